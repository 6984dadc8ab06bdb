import { wrongUsage } from '../terminal/failure.ts';

/** The URL of the server, without a slash at its end. */
export function serverUrl(): string {
  const text = process.env.LINEKEEPER_URL || 'http://127.0.0.1:8080';
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
    throw wrongUsage('LINEKEEPER_URL must be a URL like http://127.0.0.1:8080');
  return url.href.replace(/\/+$/, '');
}

export function apiKey(): string {
  const key = process.env.LINEKEEPER_API_KEY?.trim();
  if (!key)
    throw wrongUsage(
      'LINEKEEPER_API_KEY is not set: set it to an API key\nThe server prints the key of the demonstration when it starts. `linekeeper tenants create` and `linekeeper keys create` make others.',
    );
  if (!/^[\x21-\x7e]+$/.test(key)) throw wrongUsage('LINEKEEPER_API_KEY has characters that no key has');
  return key;
}
