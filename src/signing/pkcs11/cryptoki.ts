// SPDX-License-Identifier: Apache-2.0

/** A slot, session or object: pkcs11js hands them out as bytes. */
export type Handle = Buffer;

export interface Attribute {
  readonly type: number;
  readonly value?: Buffer | number | boolean;
}

export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: {
    readonly type: number;
    readonly hashAlg: number;
    readonly mgf: number;
    readonly saltLen: number;
  };
}

export interface TokenDescription {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}

/** The calls of a token library that are used here: those of pkcs11js, or a double of it in tests. */
export interface Cryptoki {
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): TokenDescription;
  C_GetMechanismList(slot: Handle): number[];
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: Attribute[]): void;
  C_FindObjects(session: Handle, count: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Attribute[]): { type: number; value: Buffer }[];
  C_SetAttributeValue(session: Handle, object: Handle, template: Attribute[]): void;
  C_CreateObject(session: Handle, template: Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: Attribute[],
    privateTemplate: Attribute[],
  ): { publicKey: Handle; privateKey: Handle };
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_SignAsync(session: Handle, data: Buffer, space: Buffer): Promise<Buffer>;
}

/** Numbers of PKCS#11 v2.40, part 3 of its headers. */
export const ObjectClass = { publicKey: 2, privateKey: 3 } as const;
export const KeyType = { rsa: 0, ec: 3 } as const;
export const Attr = {
  class: 0x0,
  token: 0x1,
  private: 0x2,
  label: 0x3,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  sign: 0x108,
  verify: 0x10a,
  modulus: 0x120,
  modulusBits: 0x121,
  publicExponent: 0x122,
  privateExponent: 0x123,
  prime1: 0x124,
  prime2: 0x125,
  exponent1: 0x126,
  exponent2: 0x127,
  coefficient: 0x128,
  extractable: 0x162,
  ecParams: 0x180,
  ecPoint: 0x181,
  alwaysAuthenticate: 0x202,
} as const;
export const Mech = {
  rsaKeyPair: 0x0,
  rsaPkcs1: 0x1,
  rsaPss: 0xd,
  sha256: 0x250,
  ecKeyPair: 0x1040,
  ecdsa: 0x1041,
} as const;
/** pkcs11js names the shape of a mechanism's parameter by a number of its own. */
export const PSS_PARAMETER = 5;
export const MGF1_SHA256 = 2;
export const User = { user: 1, contextSpecific: 2 } as const;
export const SessionFlag = { readWrite: 2, serial: 4 } as const;
export const TokenFlag = {
  loginRequired: 0x4,
  pinInitialized: 0x8,
  initialized: 0x400,
  pinCountLow: 0x1_0000,
  pinFinalTry: 0x2_0000,
  pinLocked: 0x4_0000,
} as const;
/** Return values that mean something to a user. */
export const Rv = {
  deviceMemory: 0x31,
  deviceRemoved: 0x32,
  functionCanceled: 0x50,
  mechanismInvalid: 0x70,
  pinIncorrect: 0xa0,
  pinInvalid: 0xa1,
  pinLengthRange: 0xa2,
  pinExpired: 0xa3,
  pinLocked: 0xa4,
  sessionHandleInvalid: 0xb3,
  tokenNotPresent: 0xe0,
  tokenNotRecognized: 0xe1,
  tokenWriteProtected: 0xe2,
  userAlreadyLoggedIn: 0x100,
  userPinNotInitialized: 0x102,
  alreadyInitialized: 0x191,
} as const;

/** The return value that a failed call of a token library threw; undefined for any other error. */
export function returnValue(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  // some calls of pkcs11js throw before it has made a number of the message
  const [, digits] = /CKR_[A-Z0-9_]+:(\d+)/.exec(error.message) ?? [];
  if (digits !== undefined) return Number(digits);
  return 'code' in error && typeof error.code === 'number' && error.code > 0 ? error.code : undefined;
}
