import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const shape = /^lk_(?:live|user)_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/**
 * Makes an API key or, with `user`, a user's token: `lk_live_` or `lk_user_`, 32 random letters and digits (190 bits),
 * then 6 for their CRC-32. Secret scanners recognize the prefix. The checksum catches typing errors without the database.
 */
export function newSecret(kind: 'live' | 'user' = 'live'): string {
  const random = Array.from({ length: 32 }, () => alphabet[randomInt(62)]).join('');
  return `lk_${kind}_${random}${checksum(random)}`;
}

/** The hash under which a secret is stored. Undefined for text that cannot be a secret. */
export function hashSecret(secret: string): Buffer | undefined {
  const match = shape.exec(secret);
  if (!match || checksum(match[1]!) !== match[2]) return undefined;
  return hash('sha256', secret, 'buffer');
}

/** The part of a key that may be shown. */
export const secretPrefix = (secret: string): string => secret.slice(0, 12);

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = alphabet[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
