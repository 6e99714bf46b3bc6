// SPDX-License-Identifier: Apache-2.0
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { faults, openBrowser, openPage, picture } from './support/browser.ts';
import { ConsoleStage, fill, HOSTILE_TAG } from './support/console-stage.ts';

const SHOP = 'registry.example.com/shop/web';
const EXPIRED = 'registry.example.com/legacy/reports';

let browser: Browser;
let stage: ConsoleStage;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  stage = await new ConsoleStage().start();
  await fill(stage);
  page = await openPage(browser);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(stage.url).origin)) complaints.push(`asked ${request.url()}`);
  });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stage?.stop();
});

const open = (path: string, values: Record<string, string> = {}) =>
  page.goto(`${stage.url}${path}${Object.keys(values).length === 0 ? '' : `?${new URLSearchParams(values)}`}`);
const text = (selector: string) => page.locator(selector).innerText();
/** The row of a table that begins with this heading. */
const row = (heading: string) => page.locator('tr', { has: page.locator('th', { hasText: heading }) }).innerText();

const PAGES: readonly (readonly [name: string, path: string, values?: Record<string, string>])[] = [
  ['overview', ''],
  ['overview-search', '', { q: 'legacy' }],
  ['repository', 'repository', { gun: SHOP }],
  ['repository-many-tags', 'repository', { gun: 'registry.example.com/billing/api' }],
  ['repository-expired', 'repository', { gun: EXPIRED }],
  ['repository-hostile', 'repository', { gun: 'registry.example.com/zz/evil<b>&"\u202etxt' }],
  ['history', 'history', { gun: SHOP }],
  ['expiry', 'expiry', { within: '365' }],
  ['expiry-every-role', 'expiry', { within: '365', role: 'every' }],
  ['audit', 'audit', { action: 'publish' }],
  ['not-found', 'repository', { gun: 'absent.example.com/x' }],
];

describe('every page of the console', () => {
  for (const [name, path, values] of PAGES) {
    test(`${name} has no fault that axe-core finds, in light and in dark`, async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await open(path, values);
        await picture(page, `${name}-${colorScheme}`);
        expect(await faults(page)).toEqual([]);
      }
      await page.emulateMedia({ colorScheme: 'light' });
    }, 60_000);
  }

  test('asks nothing of another host, and breaks no rule of its own policy', () => {
    // a page that is not there answers 404, which the browser notes
    expect(complaints.filter((complaint) => !complaint.includes('404'))).toEqual([]);
  });
});

describe('the console', () => {
  test('says verified of what is, and tells broken and expired trust with the reason', async () => {
    await open('', { q: 'shop' });
    expect(await row(SHOP)).toContain('Verified');
    await open('', { q: 'legacy' });
    expect(await row(EXPIRED)).toMatch(/Expired[\s\S]*targets.*expired/i);
    expect(await row('legacy/soon')).toContain('ends soon');

    await open('repository', { gun: EXPIRED });
    expect(await text('main')).not.toContain('sha256:');
    expect(await text('main')).not.toContain('Verified');
  });

  test('shows tags with digests and signers beside the picture of the keys', async () => {
    await open('repository', { gun: SHOP });
    const shown = await row('1.2');
    expect(shown).toMatch(/sha256:[0-9a-f]{64}/);
    expect(shown).toContain('alice');
    expect(await page.locator('svg[role=img]').getAttribute('aria-label')).toBe(`Keys of ${SHOP}`);
    expect(await row('targets/bob')).toContain('1 of 1');
  });

  test('tells what changed from state to state: tags, their digests, keys', async () => {
    await open('history', { gun: SHOP });
    const shown = (await text('ol.timeline')).replaceAll(/\s+/g, ' ');
    expect(shown).toMatch(/changed tag latest sha256:\w{12}… → sha256:\w{12}…/);
    expect(shown).toMatch(/added tag 1\.2/);
    expect(shown).toMatch(/root version 1 → 2.*added key of root [0-9a-f]{64} removed key of root [0-9a-f]{64}/);
    expect(shown).toContain('added delegation targets/alice');
  });

  test('S22 names that others chose are text, and hide nothing', async () => {
    await open('repository', { gun: 'registry.example.com/zz/evil<b>&"\u202etxt' });
    expect(await text('h1')).toBe('registry.example.com/zz/evil<b>&"[U+202E]txt');
    expect(await row('<img src=x')).toContain(HOSTILE_TAG.replace('\u202e', '[U+202E]'));
    expect(await page.locator('main img').count()).toBe(0);
    expect(await text('body')).not.toContain('\u202e');
    expect(await page.locator('svg').getAttribute('aria-label')).toContain('evil<b>&"?txt');
  });

  test('is walked by the keyboard: skip link, menu, search, result', async () => {
    await open('');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.name')).toBe('q');
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
    expect(outline).toBe('solid');
    await page.keyboard.type('shop/');
    await Promise.all([page.waitForURL(/q=shop/), page.keyboard.press('Enter')]);
    await page.getByRole('link', { name: SHOP }).focus();
    await Promise.all([page.waitForURL(/repository/), page.keyboard.press('Enter')]);
    expect(await text('h1')).toBe(SHOP);
  });

  test('pages go on, and back to where one was', async () => {
    const names = () => page.locator('tbody th a').allInnerTexts();
    await open('');
    const first = await names();
    await page.getByRole('link', { name: 'Next page' }).click();
    const second = await names();
    expect([first.length, second.length]).toEqual([50, 15]);
    expect(first.filter((name) => second.includes(name))).toEqual([]);
    await page.getByRole('link', { name: 'Previous page' }).click();
    expect(await names()).toEqual(first);
    await page.getByRole('link', { name: 'Targets signed until' }).click();
    expect((await names())[0]).toBe(EXPIRED);
    expect(await page.locator('th[aria-sort]').innerText()).toContain('Targets signed until');
  });

  test('works without script: there is none', async () => {
    const still = await openPage(browser, { javaScriptEnabled: false });
    await still.goto(`${stage.url}?q=billing`);
    await still.getByRole('link', { name: 'billing/api' }).click();
    await still.getByRole('link', { name: 'Next tags' }).click();
    expect(await still.locator('caption').first().innerText()).toContain('101 to 130');
    expect(await still.locator('script').count()).toBe(0);
    await still.context().close();
  });
});

describe('a console with users', () => {
  let guarded: ConsoleStage;
  beforeAll(async () => {
    guarded = new ConsoleStage();
    await guarded.start(guarded.users());
    for (const name of ['registry.example.com/billing/api', SHOP]) {
      const { repository, send } = await guarded.publisher(name);
      await send(repository.addTarget('latest').all());
    }
  }, 60_000);
  afterAll(async () => void (await guarded?.stop()));

  test('lets in by a form, keeps the session from scripts, and shows only what one may pull', async () => {
    const visitor = await openPage(browser);
    await visitor.goto(`${guarded.url}expiry`);
    await picture(visitor, 'sign-in');
    expect(await faults(visitor)).toEqual([]);
    await visitor.getByLabel('User').fill('bob');
    await visitor.getByLabel('Password').fill('wrong');
    await visitor.keyboard.press('Enter');
    expect(await visitor.getByRole('alert').innerText()).toBe('Wrong user or password.');
    expect(await faults(visitor)).toEqual([]);

    await visitor.getByLabel('User').fill('bob');
    await visitor.getByLabel('Password').fill('secret-of-bob');
    await visitor.getByRole('button', { name: 'Sign in' }).click();
    expect(new URL(visitor.url()).pathname).toBe('/console/expiry');
    const [cookie] = await visitor.context().cookies();
    expect(cookie).toMatchObject({ name: '__Host-hallmark', httpOnly: true, secure: true, sameSite: 'Strict' });

    for (const path of ['', 'expiry?within=all', 'audit']) {
      await visitor.goto(guarded.url + path);
      expect(await visitor.locator('main').innerText()).toContain('billing/api');
      expect(await visitor.locator('main').innerText()).not.toContain('shop');
    }
    expect((await visitor.goto(`${guarded.url}repository?gun=${SHOP}`))?.status()).toBe(404);
    await picture(visitor, 'signed-in');
    await visitor.getByRole('button', { name: 'Sign out' }).click();
    expect(new URL(visitor.url()).pathname).toBe('/console/sign-in');
    await visitor.context().close();
  }, 60_000);
});
