import { type Command, Option } from 'commander';
import { change, organizationChangeCommand } from '../http/change.ts';
import { orNull, readObject, readWords, requireChange } from '../terminal/arguments.ts';
import { print } from '../terminal/output.ts';
import { defaultCountry, type NumberBody, numberFields, numbersPath, withNumber } from './number.ts';

export function defineEdit(numbers: Command): void {
  withNumber(
    organizationChangeCommand(numbers, 'edit', 'Change the given fields of a number.', [
      'numbers edit +14155551234 --nickname "Sales Line" --tags sales,west',
      'numbers edit +14155551234 --no-nickname --lock',
    ]),
  )
    .option('--nickname <text>', 'its nickname')
    .option('--no-nickname', 'remove the nickname')
    .option('--tags <tags>', 'its tags, with commas between them', readWords)
    .option('--no-tags', 'remove all tags')
    .addOption(new Option('--lock', 'forbid its release').conflicts('unlock'))
    .option('--unlock', 'allow its release again')
    .option('--metadata <json>', 'data of your own, as a JSON object', readObject)
    .option('--no-metadata', 'remove the metadata')
    .action(async (number, options) => {
      const { nickname, tags, lock, unlock, metadata } = options;
      const body = requireChange({
        nickname: orNull(nickname),
        tags: orNull(tags),
        locked: lock || unlock ? lock === true : undefined,
        metadata: orNull(metadata),
      });
      const request = { query: defaultCountry(options), body };
      await print(
        options,
        await change<NumberBody>(options, 'PATCH', numbersPath(number), request),
        numberFields,
      );
    });
}
