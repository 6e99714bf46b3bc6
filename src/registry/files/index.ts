// SPDX-License-Identifier: Apache-2.0
/**
 * Images in files: OCI layouts and docker archives, read and written. What is read is checked against digest and length as
 * if a registry had sent it; a file that was there before stays whole until the new one is.
 *
 *     const source = await DockerArchiveSource.open('./app.tar');
 *     const sink = new OciLayoutSink('./app');
 */
export { DockerArchiveSink } from './docker-archive-sink.ts';
export { DockerArchiveSource } from './docker-archive-source.ts';
export type { ImageSink, ImageSource } from './image-files.ts';
export { OciLayoutSink, OciLayoutSource } from './layout.ts';
