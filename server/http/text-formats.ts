import { hasDigits } from '../../phone-numbers/beginnings.ts';
import { isMoment, momentRule } from './moments.ts';

/** Formats of texts that JSON Schema does not know, as the validator checks them. */
export const textFormats: Record<string, RegExp | ((text: string) => boolean)> = {
  // Only what PostgreSQL accepts: ajv-formats would also allow a prefix of `urn:uuid:`.
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  moment: isMoment,
  'revision-or-moment': text => /^\d{1,15}$/.test(text) || isMoment(text),
  'phone-digits': hasDigits,
};

/** What each format is, in words: an error says "must be …" with it. */
export const formatRules: Record<string, string> = {
  uuid: 'a UUID such as 6d7f8580-2c18-4ca9-8917-c9ca121a2c49',
  email: 'an e-mail address such as john@company.com',
  'date-time': 'a moment such as 2024-01-15T10:30:00Z',
  moment: momentRule,
  'revision-or-moment': momentRule,
  'phone-digits': 'digits of a phone number such as 415, +44 7700 or 555-01',
};
