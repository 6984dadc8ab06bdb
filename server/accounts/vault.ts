import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Problem } from '../errors.ts';

/** Encrypts credentials at rest, so that the database alone does not reveal them. */
export type Vault = {
  /**
   * @param text JSON; an empty object is not secret and needs no key
   * @param associatedData names the row that the text belongs to: sealed text opens only there
   * @throws Problem `secret_key_missing`
   */
  seal(text: string, associatedData: string): Buffer;
  /** @throws Problem `secret_key_missing` if no key opens it */
  open(sealed: Buffer, associatedData: string): string;
  /** Seals the text with the newest key. Undefined if it already is, or if no key opens it. */
  reseal(sealed: Buffer, associatedData: string): Buffer | undefined;
};

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;
const empty = '{}';

/**
 * AES-256-GCM: nonce, tag, ciphertext. An empty object is stored as no bytes at all.
 * @param keys of 32 bytes each; the first one seals and all of them open, so that keys can be rotated
 */
export function createVault(keys: Buffer[]): Vault {
  const [newest] = keys;

  const seal: Vault['seal'] = (text, associatedData) => {
    if (text === empty) return Buffer.alloc(0);
    if (!newest) throw new Problem('secret_key_missing');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, newest, iv, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(associatedData));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]);
  };

  const tryOpen = (sealed: Buffer, associatedData: string): string | undefined => {
    if (sealed.length === 0) return empty;
    return keys
      .values()
      .map(key => openWith(key, sealed, associatedData))
      .find(text => text !== undefined);
  };

  return {
    seal,
    open(sealed, associatedData) {
      const text = tryOpen(sealed, associatedData);
      if (text === undefined) throw new Problem('secret_key_missing');
      return text;
    },
    reseal(sealed, associatedData) {
      if (sealed.length === 0 || !newest || openWith(newest, sealed, associatedData) !== undefined)
        return undefined;
      const text = tryOpen(sealed, associatedData);
      return text === undefined ? undefined : seal(text, associatedData);
    },
  };
}

/** @returns undefined if the text was sealed with another key or for another row */
function openWith(key: Buffer, sealed: Buffer, associatedData: string): string | undefined {
  const iv = sealed.subarray(0, ivBytes);
  try {
    const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(associatedData));
    decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
    const body = decipher.update(sealed.subarray(ivBytes + tagBytes));
    return Buffer.concat([body, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

/** Reads `LINEKEEPER_SECRET_KEY`: the base64 of 32 bytes, or several separated by commas, the newest first. */
export function readSecretKeys(text: string): Buffer[] {
  return text.split(',').map(part => {
    const key = Buffer.from(part.trim(), 'base64');
    if (key.length !== 32 || key.toString('base64').replace(/=+$/, '') !== part.trim().replace(/=+$/, ''))
      throw new Error(
        'LINEKEEPER_SECRET_KEY must be base64 of 32 bytes, or several of these separated by commas',
      );
    return key;
  });
}
