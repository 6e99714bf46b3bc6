// SPDX-License-Identifier: Apache-2.0
import type { Metrics } from './metrics.ts';

type End = (() => Date) | undefined | false;

/** When the certificates of a service end that it has in use: its own, and the one that it shows the signing service. */
export function measureCertificates(metrics: Metrics, ends: { readonly service: End; readonly signer?: End }): void {
  metrics.gauges(
    'hallmark_tls_certificate_expiry_timestamp_seconds',
    'End of the certificate in use, in seconds since 1970',
    'shown_to',
    ['clients', 'signer'],
    (whom) => {
      const end = whom === 'clients' ? ends.service : ends.signer;
      return end ? end().getTime() / 1000 : undefined;
    },
  );
}
