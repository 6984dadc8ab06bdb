import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Problem } from '../errors.ts';

/** Keeps credentials at rest so that the database alone does not give them away. */
export type Vault = {
  /** @param place names the row that the text belongs to: sealed text opens nowhere else */
  seal(text: string, place: string): Buffer;
  open(sealed: Buffer, place: string): string;
};

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM: a nonce, the tag, the text.
 * @param keys of 32 bytes; the first one seals and all of them open, so that keys can be changed
 */
export function createVault(keys: Buffer[]): Vault {
  return {
    seal(text, place) {
      const key = keys[0];
      if (!key) throw new Problem('secret_key_missing');
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    open(sealed, place) {
      for (const key of keys) {
        const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, ivBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes));
        try {
          const body = decipher.update(sealed.subarray(ivBytes + tagBytes));
          return Buffer.concat([body, decipher.final()]).toString('utf8');
        } catch {
          // Not sealed with this key.
        }
      }
      throw new Problem('secret_key_missing');
    },
  };
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
