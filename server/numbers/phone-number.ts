export {
  countries,
  defaultCountry,
  type PhoneNumber,
  readPhoneNumber,
} from '../../phone-numbers/phone-number.ts';
