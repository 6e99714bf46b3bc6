// SPDX-License-Identifier: Apache-2.0
/**
 * What happens before metadata expires: the server's own is signed anew, and publishers are told of theirs. It signs
 * nothing by itself: that is the refresher's, through the stages of a client.
 *
 *     const renewer = new Renewer({ storage, refresher: server.refresher, coordination, holder, leads, perSecond, clock, log });
 *     renewer.start();
 *     await renewer.stop();
 */
export { ExpiryNotices, HORIZON_ROLES } from './expiry-notices.ts';
export { Renewer } from './renewer.ts';
