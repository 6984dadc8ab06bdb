// How the languages of the world say "extension", shortened or not: the letters that such a word begins with.
const words = [
  'x ext ekst ex extn p w', // and what telephones dial as a pause
  'durchwahl dw nst nebenst app klappe kl hausruf', // German
  'poste post p intérieur', // French
  'int interno ext extensión anexo anx ramal rml', // Spanish, Italian, Portuguese
  'tst toestel doorkies lok lokal local loc ankn anknytn alanum', // Dutch, Scandinavian, Finnish
  'wew wewn linka kl klapka mell mellék int intern dahili dah', // Polish, Czech, Hungarian, Turkish, Romanian
  'доб добавочный вн внутр внутренний доп вътр дод', // Russian, Ukrainian, Bulgarian
  'εσωτ εσωτερικό שלוחה تحويلة داخلي داخلی فرعي', // Greek, Hebrew, Arabic, Persian
  '内線 分机 分機 內線 转 轉 转接 내선 ต่อ máy nhánh pesawat एक्सटेंशन', // Japanese, Chinese, Korean, Thai, Vietnamese …
].flatMap(line => line.split(' '));
const whole = words.filter(word => /^[a-z]{1,3}$/.test(word));
const beginnings = words.filter(word => !whole.includes(word) || ['ext', 'ekst'].includes(word));

/** Whether what stands between a number and the last digits of a text says that these are an extension. */
export function isExtensionMark(between: string): boolean {
  if (/[#*]/.test(between)) return true;
  const said = between
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}]+/u);
  return said.some(
    word => word !== '' && (whole.includes(word) || beginnings.some(begin => word.startsWith(begin))),
  );
}
