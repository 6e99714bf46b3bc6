// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { HIERARCHY_STYLE } from '../report/index.ts';

const STYLE = `:root{color-scheme:light dark;--bg:#fff;--panel:#f6f8fa;--line:#d0d7de;--text:#1f2328;--soft:#57606a;--link:#0550ae;
--good:#116329;--goodbg:#dafbe1;--warn:#7d4e00;--warnbg:#fff8c5;--bad:#a40e26;--badbg:#ffebe9;--none:#424a53;--nonebg:#eaeef2}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--panel:#161b22;--line:#3d444d;--text:#e6edf3;--soft:#a3adb8;--link:#79c0ff;
--good:#7ee787;--goodbg:#12301c;--warn:#f2cc60;--warnbg:#33280a;--bad:#ffa198;--badbg:#3c1618;--none:#c3ccd5;--nonebg:#262c34}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
code,kbd,.mono{font:.9em/1.4 ui-monospace,"DejaVu Sans Mono",monospace}
a{color:var(--link);text-underline-offset:.2em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.5rem 1rem;z-index:1}
header.top{border-bottom:1px solid var(--line);background:var(--panel)}
header.top>div,main,footer{max-width:82rem;margin:0 auto;padding:0 1.5rem}
header.top>div{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1.5rem;min-height:3.25rem}
.brand{font-weight:700;color:inherit;text-decoration:none;display:flex;align-items:center;gap:.5rem}
.brand img{display:block}
nav ul{display:flex;flex-wrap:wrap;list-style:none;margin:0;padding:0;gap:.25rem}
nav a{display:block;padding:.3rem .7rem;border-radius:6px;color:inherit;text-decoration:none}
nav a:hover{background:var(--nonebg)}
nav a[aria-current]{background:var(--nonebg);font-weight:600;box-shadow:inset 0 -2px var(--link)}
.who{margin-left:auto;display:flex;gap:.75rem;align-items:center;color:var(--soft)}
main{padding-top:1.5rem;padding-bottom:3rem}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2.25rem 0 .5rem}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.35rem 0}
.lead{color:var(--soft);max-width:62rem}
form.filter{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end;margin:1.25rem 0 1rem}
label{display:flex;flex-direction:column;gap:.2rem;font-size:.85rem;color:var(--soft)}
input,select,textarea,button{font:inherit;color:var(--text);background:var(--bg);border:1px solid #848d97;border-radius:6px;padding:.35rem .6rem;min-height:2.25rem}
input.wide{width:22rem;max-width:100%}textarea{min-height:9rem;width:100%}
button{cursor:pointer;background:var(--panel);font-weight:600}
button:hover{background:var(--nonebg)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%}
caption{text-align:left;padding:.5rem .75rem;color:var(--soft);font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .75rem;border-top:1px solid var(--line)}
thead th{font-size:.85rem;color:var(--soft);background:var(--panel);white-space:nowrap;font-weight:600}
thead a{color:inherit}
tbody th{font-weight:500;overflow-wrap:anywhere;min-width:14rem}
tbody tr:hover{background:var(--panel)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.nowrap,time{white-space:nowrap;font-variant-numeric:tabular-nums}
tr.group th{background:var(--panel);font-weight:600}
.keys{list-style:none;margin:0;padding:0}.keys code{overflow-wrap:anywhere}
.badge{display:inline-block;padding:0 .55rem;border-radius:1rem;font-weight:600;font-size:.85rem;white-space:nowrap;border:1px solid currentColor}
.tone-good{color:var(--good);background:var(--goodbg)}.tone-warn{color:var(--warn);background:var(--warnbg)}
.tone-bad{color:var(--bad);background:var(--badbg)}.tone-none{color:var(--none);background:var(--nonebg)}
.reason{color:var(--soft);overflow-wrap:anywhere}.soft{color:var(--soft)}
.notice{border:1px solid var(--line);border-left:5px solid var(--soft);border-radius:6px;padding:.6rem 1rem;margin:1rem 0;background:var(--panel)}
.notice.tone-bad{border-color:var(--bad);color:var(--text);background:var(--badbg)}
.notice.tone-warn{border-color:var(--warn);color:var(--text);background:var(--warnbg)}
.notice.tone-good{border-color:var(--good);color:var(--text);background:var(--goodbg)}
figure{margin:0}figcaption{color:var(--soft);font-size:.9rem;padding:.5rem .75rem;border-top:1px solid var(--line)}
.picture{overflow:auto;padding:.75rem;max-height:46rem}.picture svg{display:block;max-width:100%;min-width:58rem;height:auto}
.pages a{color:var(--link);text-decoration:underline;padding:0}.pages{display:flex;gap:1rem;margin:1rem 0;align-items:center}
.tabs{margin:.75rem 0 0;border-bottom:1px solid var(--line)}
.tabs a{border-radius:6px 6px 0 0}
ol.timeline{list-style:none;margin:1rem 0;padding:0;border-left:2px solid var(--line)}
ol.timeline>li{padding:.1rem 0 1.1rem 1.25rem;position:relative}
ol.timeline>li::before{content:"";position:absolute;left:-6px;top:.55rem;width:10px;height:10px;border-radius:50%;background:var(--soft)}
ol.timeline h2{margin:0;font-size:1rem}ol.timeline ul{margin:.3rem 0 0;padding-left:1.1rem}ol.timeline li li{overflow-wrap:anywhere}
.what{display:inline-block;min-width:4.2rem;color:var(--soft)}
.card{max-width:30rem;border:1px solid var(--line);border-radius:8px;padding:1rem 1.5rem;margin:1.5rem 0}
.card form{display:flex;flex-direction:column;gap:.9rem;margin:1rem 0 .5rem}
footer{color:var(--soft);font-size:.85rem;padding-top:1rem;padding-bottom:2rem;border-top:1px solid var(--line)}
@media(max-width:40rem){header.top>div,main,footer{padding-left:.9rem;padding-right:.9rem}.who{margin-left:0}}
${HIERARCHY_STYLE}`;

/** The mark in the address bar and beside the name. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24"><path d="M12 1.5 21 5v6.5c0 5.2-3.7 9-9 11-5.3-2-9-5.8-9-11V5z" fill="#0550ae"/><path d="m7.5 12 3.2 3.2 6-6.4" fill="none" stroke="#fff" stroke-width="2.4"/></svg>';

/** A file of the console itself: named by its content, so that it may be kept for good. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

function asset(name: string, ending: string, type: string, body: string): Asset {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
  return { path: `/console/${name}.${hash}.${ending}`, type, body };
}

export const STYLE_ASSET = asset('style', 'css', 'text/css; charset=utf-8', STYLE);
export const ICON_ASSET = asset('icon', 'svg', 'image/svg+xml', ICON);
