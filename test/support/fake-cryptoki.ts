// SPDX-License-Identifier: Apache-2.0
import { createECDH } from 'node:crypto';
import { DerTag, encodeDer } from '../../src/encoding/index.ts';
import {
  Attr,
  type Attribute,
  type Cryptoki,
  type Handle,
  KeyType,
  Mech,
  ObjectClass,
  TokenFlag,
} from '../../src/signing/pkcs11/cryptoki.ts';

/** One token of the double, and what goes wrong with it. */
export interface FakeToken {
  readonly label: string;
  readonly serial: string;
  readonly pin: string;
  /** Wrong PINs that are left before it locks. */
  triesLeft: number;
  isThere: boolean;
  isFaulty?: boolean;
  asksEachTime?: boolean;
  readonly mechanisms?: readonly number[];
}

interface FakeObject {
  readonly token: FakeToken;
  readonly attributes: Map<number, Buffer>;
  /** The private scalar of a P-256 key. */
  readonly key: Buffer;
}

const MAX_TRIES = 3;

/**
 * Tokens in memory, for tests of what real ones do on bad days: locked PINs, faulty signatures, being pulled out. It
 * answers as pkcs11js does, with errors that carry the return value's name and number.
 */
export class FakeCryptoki implements Cryptoki {
  /** Every PIN that was tried, in order. */
  readonly pins: string[] = [];
  readonly #tokens: readonly FakeToken[];
  readonly #objects: FakeObject[] = [];
  readonly #loggedIn = new Set<FakeToken>();
  #found: Handle[] = [];
  #signing: FakeObject | undefined;

  constructor(tokens: readonly FakeToken[]) {
    this.#tokens = tokens;
  }

  C_GetSlotList(): Handle[] {
    return this.#tokens.flatMap((token, slot) => (token.isThere ? [word(slot)] : []));
  }

  C_GetTokenInfo(slot: Handle) {
    const token = this.#token(slot);
    const flags =
      TokenFlag.initialized |
      TokenFlag.loginRequired |
      (token.triesLeft === 1 ? TokenFlag.pinFinalTry : 0) |
      (token.triesLeft === 0 ? TokenFlag.pinLocked : 0);
    return { label: token.label.padEnd(32), serialNumber: token.serial, model: 'fake', manufacturerID: 'test', flags };
  }

  C_GetMechanismList(slot: Handle): number[] {
    return [...(this.#token(slot).mechanisms ?? Object.values(Mech))];
  }

  C_OpenSession(slot: Handle): Handle {
    this.#token(slot);
    return slot;
  }

  C_CloseSession(): void {}

  C_Login(session: Handle, _user: number, pin: string): void {
    const token = this.#token(session);
    this.pins.push(pin);
    if (token.triesLeft === 0) throw failure('CKR_PIN_LOCKED', 0xa4);
    if (pin !== token.pin) {
      token.triesLeft -= 1;
      throw failure('CKR_PIN_INCORRECT', 0xa0);
    }
    token.triesLeft = MAX_TRIES;
    this.#loggedIn.add(token);
  }

  C_FindObjectsInit(session: Handle, template: Attribute[]): void {
    const token = this.#token(session);
    this.#found = this.#objects.flatMap((object, index) => {
      const isPrivate = object.attributes.get(Attr.class)?.[0] === ObjectClass.privateKey;
      const isVisible = object.token === token && (!isPrivate || this.#loggedIn.has(token));
      return isVisible && template.every(({ type, value }) => matches(object, type, value)) ? [word(index)] : [];
    });
  }

  C_FindObjects(_session: Handle, count: number): Handle[] {
    return this.#found.splice(0, count);
  }

  C_FindObjectsFinal(): void {
    this.#found = [];
  }

  C_GetAttributeValue(_session: Handle, object: Handle, template: Attribute[]) {
    return template.map(({ type }) => {
      const value = this.#object(object).attributes.get(type);
      if (value === undefined) throw failure('CKR_ATTRIBUTE_TYPE_INVALID', 0x12);
      return { type, value };
    });
  }

  C_SetAttributeValue(session: Handle, object: Handle, template: Attribute[]): void {
    this.#token(session);
    const { attributes } = this.#object(object);
    for (const { type, value } of template) attributes.set(type, bytesOf(value));
  }

  C_CreateObject(session: Handle, template: Attribute[]): Handle {
    const attributes = new Map(template.map(({ type, value }) => [type, bytesOf(value)]));
    const scalar = attributes.get(Attr.value);
    const key = scalar ?? this.#objects.at(-1)?.key;
    if (scalar !== undefined) attributes.set(Attr.value, Buffer.alloc(0));
    return this.#keep(session, attributes, key);
  }

  C_DestroyObject(_session: Handle, object: Handle): void {
    this.#objects.splice(object.readUInt32LE(), 1);
  }

  C_GenerateKeyPair(session: Handle, _: unknown, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    const pair = createECDH('prime256v1');
    const point = pair.generateKeys();
    const key = pair.getPrivateKey();
    const parts = (objectClass: number, template: Attribute[]) => [
      [Attr.class, Buffer.from([objectClass])] as const,
      [Attr.keyType, Buffer.from([KeyType.ec])] as const,
      ...template.map(({ type, value }) => [type, bytesOf(value)] as const),
    ];
    const extra: readonly (readonly [number, Buffer])[] = [
      [Attr.ecPoint, Buffer.from(encodeDer(DerTag.octetString, point))],
    ];
    const publicHandle = this.#keep(session, new Map([...parts(ObjectClass.publicKey, publicTemplate), ...extra]), key);
    return {
      publicKey: publicHandle,
      privateKey: this.#keep(session, new Map(parts(ObjectClass.privateKey, privateTemplate)), key),
    };
  }

  C_SignInit(_session: Handle, _mechanism: unknown, key: Handle): void {
    this.#signing = this.#object(key);
  }

  async C_SignAsync(_session: Handle, data: Buffer): Promise<Buffer> {
    const key = this.#signing;
    if (key === undefined) throw failure('CKR_OPERATION_NOT_INITIALIZED', 0x91);
    const signature = signDigest(key.key, data);
    if (key.token.isFaulty === true) signature.writeUInt8(signature.readUInt8(5) ^ 1, 5);
    return signature;
  }

  /** Takes away the private half of every key, as a token does that was given a certificate alone. */
  forgetPrivateKeys(): void {
    for (let index = this.#objects.length - 1; index >= 0; index--)
      if (this.#objects[index]?.attributes.get(Attr.class)?.[0] === ObjectClass.privateKey)
        this.#objects.splice(index, 1);
  }

  #token(slot: Handle): FakeToken {
    const token = this.#tokens[slot.readUInt32LE()];
    if (token === undefined || !token.isThere) throw failure('CKR_TOKEN_NOT_PRESENT', 0xe0);
    return token;
  }

  #object(handle: Handle): FakeObject {
    const object = this.#objects[handle.readUInt32LE()];
    if (object === undefined) throw failure('CKR_OBJECT_HANDLE_INVALID', 0x82);
    return object;
  }

  #keep(session: Handle, attributes: Map<number, Buffer>, key: Buffer | undefined): Handle {
    const token = this.#token(session);
    if (key === undefined) throw failure('CKR_TEMPLATE_INCOMPLETE', 0xd0);
    attributes.set(Attr.alwaysAuthenticate, Buffer.from([token.asksEachTime === true ? 1 : 0]));
    return word(this.#objects.push({ token, attributes, key }) - 1);
  }
}

function word(value: number): Handle {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value);
  return bytes;
}

function bytesOf(value: Attribute['value']): Buffer {
  if (typeof value === 'number') return Buffer.from([value]);
  if (typeof value === 'boolean') return Buffer.from([value ? 1 : 0]);
  return Buffer.from(value ?? []);
}

function matches(object: FakeObject, type: number, value: Attribute['value']): boolean {
  return object.attributes.get(type)?.equals(bytesOf(value)) === true;
}

function failure(name: string, code: number): Error {
  return Object.assign(new Error(`${name}:${code}\n at a call`), { code });
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA over a digest that is made already, which node:crypto does not offer. Never for anything but tests. */
function signDigest(scalar: Buffer, digest: Buffer): Buffer {
  const nonce = createECDH('prime256v1');
  const r = number(nonce.generateKeys().subarray(1, 33)) % ORDER;
  const s = (inverse(number(nonce.getPrivateKey())) * (number(digest) + r * number(scalar))) % ORDER;
  return Buffer.from(`${hex(r)}${hex(s)}`, 'hex');
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function hex(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

/** By Fermat, since the order is prime. */
function inverse(value: bigint): bigint {
  let [result, base, exponent] = [1n, value % ORDER, ORDER - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}
