// SPDX-License-Identifier: Apache-2.0
import {
  type Context,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { Log } from '../log.ts';
import type { Span, Tracing } from '../span.ts';

export interface TracingOptions {
  /** Where an OpenTelemetry collector takes traces over HTTP, whole: `http://127.0.0.1:4318/v1/traces`. */
  readonly endpoint: string;
  /** Sent along, such as the collector's own token. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `hallmark-server`, `hallmark-signer`. */
  readonly service: string;
  readonly version: string;
  /** The share of requests that are traced, from 0 to 1. */
  readonly ratio?: number;
  /** How long stopping may wait for the collector, in milliseconds. */
  readonly stopMs?: number;
  readonly log: Log;
}

const STOP_MS = 3000;
const EXPORT_MS = 5000;
/** Spans that wait for the collector; more than that are dropped. */
const MAX_QUEUE = 2048;

export class OpenTelemetryTracing implements Tracing {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #stopMs: number;

  constructor(options: TracingOptions) {
    const { endpoint, headers = {}, service, version, ratio = 1, log } = options;
    this.#stopMs = options.stopMs ?? STOP_MS;
    const exporter = reporting(new OTLPTraceExporter({ url: endpoint, headers, timeoutMillis: EXPORT_MS }), log);
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'service.version': version }),
      // the decision is ours alone: a caller's flag could have everything recorded
      sampler: new TraceIdRatioBasedSampler(ratio),
      spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: MAX_QUEUE, exportTimeoutMillis: EXPORT_MS })],
    });
    this.#tracer = this.#provider.getTracer('hallmark', version);
  }

  request(name: string, traceparent: string | null): Span | undefined {
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER }, remoteParent(traceparent));
    return span.isRecording() ? new RecordedSpan(span, this.#tracer) : undefined;
  }

  async stop(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#stopMs);
    });
    await Promise.race([this.#provider.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
  }
}

class RecordedSpan implements Span {
  readonly #span: OtelSpan;
  readonly #tracer: Tracer;

  constructor(span: OtelSpan, tracer: Tracer) {
    this.#span = span;
    this.#tracer = tracer;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  child(name: string, attributes: Readonly<Record<string, string | number>>): Span {
    const below = trace.setSpan(ROOT_CONTEXT, this.#span);
    return new RecordedSpan(this.#tracer.startSpan(name, { attributes: { ...attributes } }, below), this.#tracer);
  }

  set(attribute: string, value: string | number): void {
    this.#span.setAttribute(attribute, value);
  }

  fail(error: unknown): void {
    if (error instanceof Error) this.#span.setAttribute('error.type', error.name);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    this.#span.end();
  }
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** W3C Trace Context, version 00; anything else begins a trace of its own. */
function remoteParent(traceparent: string | null): Context {
  const [, traceId = '', spanId = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (!/[1-9a-f]/.test(traceId) || !/[1-9a-f]/.test(spanId)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

const REPORT_EVERY_MS = 60_000;

/** The exporter, with a line in the log when the collector does not take spans: once a minute, not once a batch. */
function reporting(exporter: SpanExporter, log: Log): SpanExporter {
  let silentUntil = Number.NEGATIVE_INFINITY;
  let lost = 0;
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          lost += spans.length;
          if (performance.now() >= silentUntil) {
            log.warn({ error: result.error, spans: lost }, 'traces cannot be sent');
            silentUntil = performance.now() + REPORT_EVERY_MS;
            lost = 0;
          }
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
