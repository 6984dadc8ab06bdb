import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const shape = /^lk_live_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/**
 * A new API key: `lk_live_`, 32 random letters and digits (190 bits), and 6 that are their CRC-32. The beginning lets
 * secret scanners know it, the checksum tells a typing error from a wrong key without asking the database.
 */
export function newSecret(): string {
  const random = Array.from({ length: 32 }, () => alphabet[randomInt(62)]).join('');
  return `lk_live_${random}${checksum(random)}`;
}

/** What is stored of a key: its hash; undefined for text that cannot be a key. */
export function hashSecret(secret: string): Buffer | undefined {
  const match = shape.exec(secret);
  if (!match || checksum(match[1]!) !== match[2]) return undefined;
  return createHash('sha256').update(secret).digest();
}

/** What may be shown of a key. */
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
