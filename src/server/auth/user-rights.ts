// SPDX-License-Identifier: Apache-2.0
import type { Access, Action } from './access.ts';
import { AuthenticationSetupError } from './authenticator.ts';
import type { ReadableNames } from './reader.ts';

/** What users may do where no rule says more. */
export type DefaultAccess = 'all' | 'read' | 'none';

/** Gives users, or everybody in groups, actions on collections. Rules only add. */
export interface AccessRule {
  /** Names; `*` is every user. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** A GUN, or a prefix that ends in `/*`, or `*` for all. */
  readonly gun: string;
  readonly allow: readonly Action[];
}

export interface RightsOptions {
  readonly rules?: readonly AccessRule[];
  /** Users by group. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** `all` where there are no rules, and `none` where there are some, unless given. */
  readonly defaultAccess?: DefaultAccess;
}

const DEFAULT_ACTIONS: Readonly<Record<DefaultAccess, readonly Action[]>> = { all: ['*'], read: ['pull'], none: [] };

interface Grant {
  readonly users: ReadonlySet<string>;
  readonly everybody: boolean;
  readonly gun: string;
  readonly allow: readonly Action[];
}

/** What each user may do. */
export class UserRights {
  readonly #grants: readonly Grant[];
  readonly #byDefault: readonly Action[];

  /** @throws AuthenticationSetupError for rules that name nobody, nothing, or an unknown group */
  constructor({ rules = [], groups = {}, defaultAccess }: RightsOptions) {
    const fallback = defaultAccess ?? (rules.length === 0 ? 'all' : 'none');
    if (fallback === 'all' && rules.length > 0) {
      throw new AuthenticationSetupError('rules change nothing where all users may do everything');
    }
    this.#byDefault = DEFAULT_ACTIONS[fallback];
    this.#grants = rules.map((rule) => grantOf(rule, groups));
  }

  isAllowed(user: string, access: Access): boolean {
    switch (access.kind) {
      case 'ping':
        return true;
      // who may read everything may know its names
      case 'catalog':
        return this.#has(user, EVERYTHING, 'pull');
      case 'repository':
        return access.actions.every((action) => this.#has(user, access.gun, action));
      default:
        return access satisfies never;
    }
  }

  /** What a user may pull, as names and beginnings of names; `undefined` is everything. */
  readable(user: string): ReadableNames | undefined {
    if (this.isAllowed(user, { kind: 'catalog' })) return undefined;
    const patterns = this.#grants
      .filter((grant) => (grant.everybody || grant.users.has(user)) && covers(grant.allow, 'pull'))
      .map(({ gun }) => gun);
    return {
      guns: patterns.filter((pattern) => !pattern.endsWith('/*')),
      prefixes: patterns.filter((pattern) => pattern.endsWith('/*')).map((pattern) => pattern.slice(0, -1)),
    };
  }

  #has(user: string, gun: string, action: Action): boolean {
    if (covers(this.#byDefault, action)) return true;
    return this.#grants.some(
      (grant) => (grant.everybody || grant.users.has(user)) && matches(grant.gun, gun) && covers(grant.allow, action),
    );
  }
}

const EVERYTHING = '*';

function covers(allow: readonly Action[], action: Action): boolean {
  return allow.includes(action) || allow.includes('*');
}

/** Whole path components only: `example.com/team/*` is not `example.com/team-b/app`. */
function matches(pattern: string, gun: string): boolean {
  if (pattern === EVERYTHING || pattern === gun) return true;
  return pattern.endsWith('/*') && gun.startsWith(pattern.slice(0, -1));
}

function grantOf({ users = [], groups: names = [], gun, allow }: AccessRule, groups: RightsOptions['groups']): Grant {
  const members = names.flatMap((name) => {
    const group = Object.hasOwn(groups ?? {}, name) ? groups?.[name] : undefined;
    if (group === undefined) throw new AuthenticationSetupError(`rule for ${gun}: there is no group ${name}`);
    return group;
  });
  if (users.length + names.length === 0) throw new AuthenticationSetupError(`rule for ${gun} names nobody`);
  if (allow.length === 0) throw new AuthenticationSetupError(`rule for ${gun} allows nothing`);
  const star = gun.indexOf('*');
  if (gun === '' || (star >= 0 && gun !== EVERYTHING && !(star === gun.length - 1 && gun.endsWith('/*')))) {
    throw new AuthenticationSetupError(`rule for ${gun}: a name, or one that ends in /*, is wanted`);
  }
  return { users: new Set([...users, ...members]), everybody: users.includes(EVERYTHING), gun, allow };
}
