// SPDX-License-Identifier: Apache-2.0
import { JsonPlaces, type TextPlace } from './json-places.ts';
import { AmbiguousRequestError } from './request-head.ts';

/** Where the body of a request names images that are to be run. */
export interface NamedImages {
  readonly document: JsonPlaces;
  readonly places: readonly TextPlace[];
}

/** `containers/create`: the image, and images that are mounted (Docker 28 and newer). @throws AmbiguousRequestError */
export function imagesOfContainer(body: Uint8Array): NamedImages {
  const document = new JsonPlaces(body);
  const [image] = document.texts('Image');
  if (image === undefined || image.value === '') throw new AmbiguousRequestError('a container without an image');
  // older engines take the host's settings from beside the container's where there is no HostConfig
  return few({
    document,
    places: [image, ...mounted(document, 'HostConfig', 'Mounts'), ...mounted(document, 'Mounts')],
  });
}

/** `services/create` and `services/…/update`: what the tasks run. @throws AmbiguousRequestError */
export function imagesOfService(body: Uint8Array): NamedImages {
  const document = new JsonPlaces(body);
  const images = [
    ...document.texts('TaskTemplate', 'ContainerSpec', 'Image'),
    ...document.texts('TaskTemplate', 'PluginSpec', 'Remote'),
  ].filter(({ value }) => value !== '');
  if (images.length === 0) throw new AmbiguousRequestError('a service without an image');
  return few({ document, places: [...images, ...mounted(document, 'TaskTemplate', 'ContainerSpec', 'Mounts')] });
}

/** More serve nobody, and each may cost a verification (S32). */
const MAX_IMAGES = 256;

function few(named: NamedImages): NamedImages {
  if (named.places.length > MAX_IMAGES) throw new AmbiguousRequestError(`more than ${MAX_IMAGES} images`);
  return named;
}

function mounted(document: JsonPlaces, ...path: readonly string[]): readonly TextPlace[] {
  return document.items(...path).flatMap((mount) => {
    const isImage = mount.texts('Type').some(({ value }) => value.toLowerCase() === 'image');
    return isImage ? mount.texts('Source') : [];
  });
}
