// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { DecodeError, encodeUtf8 } from '../../encoding/index.ts';
import {
  canonicalKeyId,
  isSignatureValid,
  type KeyAlgorithm,
  type KeyId,
  MetadataError,
  type PublicKey,
  SIGNATURE_METHODS,
  verifyingKey,
} from '../../tuf/index.ts';
import { KeyStoreError } from '../errors.ts';
import type { KeyOwner } from '../key-file.ts';
import type { PrivateKey } from '../private-key.ts';
import {
  Attr,
  type Attribute,
  type Cryptoki,
  type Handle,
  KeyType,
  Mech,
  type Mechanism,
  MGF1_SHA256,
  ObjectClass,
  PSS_PARAMETER,
  returnValue,
  SessionFlag,
} from './cryptoki.ts';
import {
  ecPublicKey,
  generationTemplates,
  importTemplates,
  labelOf,
  rsaPublicKey,
  wipeTemplate,
} from './key-objects.ts';
import { Login, type Pins } from './login.ts';
import { asTokenError, tokenError } from './token-errors.ts';
import { findSlot } from './token-slots.ts';
import type { TokenUri } from './token-uri.ts';

/** A key of a token, as its public objects tell it; no PIN was needed. */
export interface TokenKey {
  readonly keyId: KeyId;
  readonly algorithm: KeyAlgorithm;
  readonly key: PublicKey;
  readonly label: string;
  /** CKA_ID, which the private key shares. */
  readonly id: Uint8Array;
}

/** How a signature is wanted: as metadata takes it, or, of RSA keys, as certificates do. */
export type SignatureForm = 'metadata' | 'pkcs1';

const OBJECTS_AT_ONCE = 1000;
const MAX_SIGNATURE = 1024;
const ID_BYTES = 16;
const PSS = { type: PSS_PARAMETER, hashAlg: Mech.sha256, mgf: MGF1_SHA256, saltLen: 32 };
/** What stands before a SHA-256 digest that is signed by PKCS#1 v1.5 (RFC 8017, 9.2). */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** One token and the keys in it. Its private keys stay there; the PIN is asked for when one of them is needed. */
export class Token {
  readonly label: string;
  readonly serial: string;
  readonly #cryptoki: Cryptoki;
  readonly #uri: TokenUri;
  readonly #slot: Handle;
  readonly #login: Login;
  readonly #sessions = new Map<number, Handle>();
  #lastTurn: Promise<unknown> = Promise.resolve();

  /** @throws KeyStoreError `token-absent`, `token-ambiguous` */
  constructor(cryptoki: Cryptoki, uri: TokenUri, pins: Pins) {
    const { slot, label, serial } = findSlot(cryptoki, uri);
    this.#cryptoki = cryptoki;
    this.#uri = uri;
    this.#slot = slot;
    this.label = label;
    this.serial = serial;
    this.#login = new Login(cryptoki, slot, label, pins);
  }

  /** The keys that the URI names: all, or those of its `object` and `id`. @throws KeyStoreError */
  keys(): Promise<readonly TokenKey[]> {
    return this.#turn(async () => this.#keys(this.#session(0)));
  }

  /**
   * Signs and checks the result, since a token that fails makes signatures that nobody accepts.
   * @throws KeyStoreError `wrong-pin`, `pin-locked`, `no-pin`, `not-found`, `token-failed`
   */
  sign(key: TokenKey, message: Uint8Array, form: SignatureForm): Promise<Uint8Array> {
    return this.#turn(async () => {
      const session = this.#session(0);
      await this.#login.ensure(session);
      const handle = this.#privateKey(session, key);
      const { mechanism, data } = this.#signing(key, message, form);
      this.#cryptoki.C_SignInit(session, mechanism, handle);
      if (this.#asksEachTime(session, handle)) await this.#login.once(session);
      const space = Buffer.alloc(MAX_SIGNATURE);
      const signature = await this.#cryptoki.C_SignAsync(session, data, space);
      // the library works on both from another thread and holds neither: used after it, they are not collected before
      data.fill(0);
      space.fill(0, signature.length);
      return this.#checked(key, message, form, new Uint8Array(signature));
    });
  }

  /** Asks for the PIN now, and not at the first signature. @throws KeyStoreError */
  unlock(): Promise<void> {
    return this.#turn(() => this.#login.ensure(this.#session(0)));
  }

  /** Makes a key in the token. @throws KeyStoreError */
  generate(algorithm: KeyAlgorithm, owner: KeyOwner): Promise<TokenKey> {
    return this.generateLabelled(algorithm, this.#uri.object ?? labelOf(owner));
  }

  /** As {@link generate}, under a label of the caller's choice. @throws KeyStoreError */
  async generateLabelled(algorithm: KeyAlgorithm, text: string): Promise<TokenKey> {
    const mechanism = this.#generation(algorithm);
    return this.#create(text, (session, label, id) => {
      const [publicTemplate, privateTemplate] = generationTemplates(algorithm, label, id);
      this.#cryptoki.C_GenerateKeyPair(session, { mechanism }, publicTemplate, privateTemplate);
    });
  }

  /** Puts a copy of a key into the token. @throws KeyStoreError; PrivateKeyError `unsupported` */
  import(key: PrivateKey, owner: KeyOwner): Promise<TokenKey> {
    return this.#create(this.#uri.object ?? labelOf(owner), (session, label, id) => {
      const [publicTemplate, privateTemplate] = importTemplates(key, label, id);
      try {
        const secret = this.#cryptoki.C_CreateObject(session, privateTemplate);
        this.#createPublic(session, publicTemplate, secret);
      } finally {
        wipeTemplate(privateTemplate);
      }
    });
  }

  /** Destroys a key in the token. @throws KeyStoreError `not-found` */
  remove(key: TokenKey): Promise<void> {
    return this.#turn(async () => {
      const session = this.#session(SessionFlag.readWrite);
      await this.#login.ensure(session);
      this.#cryptoki.C_DestroyObject(session, this.#privateKey(session, key));
      for (const handle of this.#find(session, ObjectClass.publicKey, key.id))
        this.#cryptoki.C_DestroyObject(session, handle);
    });
  }

  /** Gives both halves of a key another label. @throws KeyStoreError `not-found`, or if the token keeps labels as they are */
  relabel(key: TokenKey, label: string): Promise<TokenKey> {
    return this.#turn(async () => {
      const session = this.#session(SessionFlag.readWrite);
      await this.#login.ensure(session);
      const halves = [this.#privateKey(session, key), ...this.#find(session, ObjectClass.publicKey, key.id)];
      for (const half of halves)
        this.#cryptoki.C_SetAttributeValue(session, half, [
          { type: Attr.label, value: Buffer.from(encodeUtf8(label)) },
        ]);
      return { ...key, label };
    });
  }

  #create(label: string, make: (session: Handle, label: string, id: Uint8Array) => void): Promise<TokenKey> {
    return this.#turn(async () => {
      const session = this.#session(SessionFlag.readWrite);
      await this.#login.ensure(session);
      const id = this.#uri.id ?? new Uint8Array(randomBytes(ID_BYTES));
      if (this.#find(session, ObjectClass.privateKey, id).length > 0)
        throw tokenError('exists', this.label, 'has a key of that id already');
      make(session, label, id);
      const [made] = this.#find(session, ObjectClass.publicKey, id).map((handle) => this.#describe(session, handle));
      if (made === undefined) throw tokenError('token-failed', this.label, 'does not show the key that it made');
      return made;
    });
  }

  /** A private key without its public half would never be found again. */
  #createPublic(session: Handle, template: Attribute[], secret: Handle): void {
    try {
      this.#cryptoki.C_CreateObject(session, template);
    } catch (error) {
      this.#cryptoki.C_DestroyObject(session, secret);
      throw error;
    }
  }

  #keys(session: Handle): readonly TokenKey[] {
    const handles = this.#find(session, ObjectClass.publicKey, this.#uri.id, this.#uri.object);
    return handles.flatMap((handle) => this.#describe(session, handle) ?? []);
  }

  /** Undefined for keys of other kinds than are used here. */
  #describe(session: Handle, handle: Handle): TokenKey | undefined {
    const read = (...types: number[]) =>
      this.#cryptoki
        .C_GetAttributeValue(
          session,
          handle,
          types.map((type) => ({ type })),
        )
        .map(({ value }) => new Uint8Array(value));
    const [keyType, id, label] = read(Attr.keyType, Attr.id, Attr.label);
    const number = keyType?.[0];
    if (id === undefined || (number !== KeyType.ec && number !== KeyType.rsa)) return undefined;
    const [one, two] =
      number === KeyType.ec ? read(Attr.ecParams, Attr.ecPoint) : read(Attr.modulus, Attr.publicExponent);
    if (one === undefined || two === undefined) return undefined;
    try {
      const key = number === KeyType.ec ? ecPublicKey(one, two) : rsaPublicKey(one, two);
      const { algorithm } = verifyingKey(key);
      return { keyId: canonicalKeyId(key), algorithm, key, id, label: new TextDecoder().decode(label) };
    } catch (error) {
      if (error instanceof MetadataError || error instanceof DecodeError) return undefined;
      throw error;
    }
  }

  #privateKey(session: Handle, { id, keyId }: TokenKey): Handle {
    const [handle] = this.#find(session, ObjectClass.privateKey, id);
    if (handle !== undefined) return handle;
    throw new KeyStoreError(
      'not-found',
      `token ${JSON.stringify(this.label)} has no private key ${keyId}, only its public half`,
      {
        keyId,
      },
    );
  }

  #find(session: Handle, objectClass: number, id?: Uint8Array, label?: string): Handle[] {
    const template: Attribute[] = [
      { type: Attr.class, value: objectClass },
      { type: Attr.token, value: true },
      ...(id === undefined ? [] : [{ type: Attr.id, value: Buffer.from(id) }]),
      ...(label === undefined ? [] : [{ type: Attr.label, value: Buffer.from(encodeUtf8(label)) }]),
    ];
    this.#cryptoki.C_FindObjectsInit(session, template);
    try {
      const found: Handle[] = [];
      for (let some = this.#next(session); some.length > 0; some = this.#next(session)) found.push(...some);
      return found;
    } finally {
      this.#cryptoki.C_FindObjectsFinal(session);
    }
  }

  #next(session: Handle): readonly Handle[] {
    return this.#cryptoki.C_FindObjects(session, OBJECTS_AT_ONCE);
  }

  #signing(key: TokenKey, message: Uint8Array, form: SignatureForm): { mechanism: Mechanism; data: Buffer } {
    const digest = createHash('sha256').update(message).digest();
    if (key.algorithm !== 'rsa') return { mechanism: { mechanism: Mech.ecdsa }, data: digest };
    if (form === 'pkcs1')
      return { mechanism: { mechanism: Mech.rsaPkcs1 }, data: Buffer.concat([SHA256_INFO, digest]) };
    if (!this.#can(Mech.rsaPss))
      throw tokenError('token-failed', this.label, 'cannot sign with RSA-PSS: use an ecdsa key');
    return { mechanism: { mechanism: Mech.rsaPss, parameter: PSS }, data: digest };
  }

  #checked(key: TokenKey, message: Uint8Array, form: SignatureForm, bytes: Uint8Array): Uint8Array {
    const method = form === 'pkcs1' && key.algorithm === 'rsa' ? 'rsapkcs1v15' : SIGNATURE_METHODS[key.algorithm];
    if (isSignatureValid(key.key, message, { keyId: key.keyId, method, bytes })) return bytes;
    throw tokenError('token-failed', this.label, `made a signature that key ${key.keyId} does not verify`);
  }

  #generation(algorithm: KeyAlgorithm): number {
    if (algorithm === 'ed25519')
      throw tokenError('unsupported', this.label, 'makes ecdsa and rsa keys here, not ed25519');
    const mechanism = algorithm === 'rsa' ? Mech.rsaKeyPair : Mech.ecKeyPair;
    const isAble = this.#can(mechanism) && (algorithm !== 'rsa' || this.#can(Mech.rsaPss));
    if (!isAble) throw tokenError('token-failed', this.label, `cannot make ${algorithm} keys`);
    return mechanism;
  }

  #can(mechanism: number): boolean {
    return this.#cryptoki.C_GetMechanismList(this.#slot).includes(mechanism);
  }

  #asksEachTime(session: Handle, handle: Handle): boolean {
    try {
      const [found] = this.#cryptoki.C_GetAttributeValue(session, handle, [{ type: Attr.alwaysAuthenticate }]);
      return found?.value[0] === 1;
    } catch (error) {
      // libraries that know no such keys need not know the attribute either
      if (returnValue(error) === undefined) throw error;
      return false;
    }
  }

  #session(flags: number): Handle {
    const known = this.#sessions.get(flags);
    if (known !== undefined) return known;
    const session = this.#cryptoki.C_OpenSession(this.#slot, SessionFlag.serial | flags);
    this.#sessions.set(flags, session);
    return session;
  }

  /** One act at a time: a session has one search and one signature under way. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work).catch((error: unknown) => {
      throw asTokenError(this.label, error);
    });
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}
