import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Problem } from '../errors.ts';

/** Keeps credentials at rest so that the database alone does not give them away. */
export type Vault = {
  /**
   * @param text JSON; an empty object, which nobody has to guard, needs no key
   * @param place names the row that the text belongs to: sealed text opens nowhere else
   * @throws Problem `secret_key_missing`
   */
  seal(text: string, place: string): Buffer;
  /** @throws Problem `secret_key_missing` where no key fits */
  open(sealed: Buffer, place: string): string;
  /** The same text under the newest key; undefined where it is so already, or no key fits. */
  reseal(sealed: Buffer, place: string): Buffer | undefined;
};

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const empty = '{}';

/**
 * AES-256-GCM: a nonce, the tag, the text. Of an empty object nothing at all is kept.
 * @param keys of 32 bytes; the first one seals and all of them open, so that keys can be changed
 */
export function createVault(keys: Buffer[]): Vault {
  const [newest] = keys;

  const seal: Vault['seal'] = (text, place) => {
    if (text === empty) return Buffer.alloc(0);
    if (!newest) throw new Problem('secret_key_missing');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, newest, iv, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(place));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]);
  };

  const tryOpen = (sealed: Buffer, place: string): string | undefined => {
    if (sealed.length === 0) return empty;
    return keys
      .values()
      .map(key => openWith(key, sealed, place))
      .find(text => text !== undefined);
  };

  return {
    seal,
    open(sealed, place) {
      const text = tryOpen(sealed, place);
      if (text === undefined) throw new Problem('secret_key_missing');
      return text;
    },
    reseal(sealed, place) {
      if (sealed.length === 0 || !newest || openWith(newest, sealed, place) !== undefined) return undefined;
      const text = tryOpen(sealed, place);
      return text === undefined ? undefined : seal(text, place);
    },
  };
}

/** @returns undefined for what was not sealed with this key, or not for this place */
function openWith(key: Buffer, sealed: Buffer, place: string): string | undefined {
  const iv = sealed.subarray(0, ivBytes);
  try {
    const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
    const body = decipher.update(sealed.subarray(ivBytes + tagBytes));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** Reads `LINEKEEPER_SECRET_KEY`: base64 of 32 bytes, or several with commas between them, the newest first. */
export function readSecretKeys(text: string): Buffer[] {
  return text.split(',').map(part => {
    const key = Buffer.from(part.trim(), 'base64');
    if (key.length !== 32 || key.toString('base64').replace(/=+$/, '') !== part.trim().replace(/=+$/, ''))
      throw new Error(
        'LINEKEEPER_SECRET_KEY must be base64 of 32 bytes, or several with commas between them',
      );
    return key;
  });
}
