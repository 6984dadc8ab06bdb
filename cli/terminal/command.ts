import { Command, type ErrorOptions, Help, type Option } from 'commander';

const required = new WeakSet<Option>();

/**
 * Commander's command, with two changes. An error names the help of its command. And Commander asks for missing options
 * before it rejects unknown ones, so that with `--organisation x` it would only miss `--organization`: here the unknown
 * option is named first, with the one that was meant.
 */
export class LinekeeperCommand extends Command {
  readonly #required: Option[] = [];

  constructor(name?: string) {
    super(name);
    this.hook('preAction', () => this.#demandRequired());
  }

  override createCommand(name?: string): LinekeeperCommand {
    return new LinekeeperCommand(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    this.showHelpAfterError(`See \`${fullName(this)} --help\`.`);
    super.error(message, options);
  }

  override addOption(option: Option): this {
    if (option.mandatory) {
      option.mandatory = false;
      this.#required.push(option);
      required.add(option);
    }
    return super.addOption(option);
  }

  #demandRequired(): void {
    const missing = this.#required.find(option => this.getOptionValue(option.attributeName()) === undefined);
    if (missing) this.error(`error: required option '${missing.flags}' not specified`);
  }
}

/** `linekeeper numbers list`. */
const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();

/** A group of commands, such as `numbers`. */
export const group = (program: Command, name: string, summary: string, examples: string[]): Command =>
  withExamples(program.command(name).description(summary), examples);

/** A command that prints something: its help ends with examples, and it has --json. */
export function command(parent: Command, name: string, summary: string, examples: string[]): Command {
  const made = withExamples(parent.command(name).description(summary), examples);
  return made.option('--json', 'print one JSON document, for programs');
}

/** Adds examples to the help of a command. Each is typed after `linekeeper`; one with a pipe stands as it is. */
export function withExamples(made: Command, examples: string[]): Command {
  const lines = examples.map(example => `  ${example.includes(' | ') ? example : `linekeeper ${example}`}`);
  return made.addHelpText('after', `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${lines.join('\n')}`);
}

const standard = new Help();

/** Required options come first and are marked; the options that every command has come last. */
export const helpLayout: Partial<Help> = {
  visibleOptions: made => standard.visibleOptions(made).sort((a, b) => rankOf(a) - rankOf(b)),
  optionDescription: option =>
    standard.optionDescription(option) + (required.has(option) ? ' (required)' : ''),
};

function rankOf(option: Option): number {
  if (required.has(option)) return 0;
  const name = option.long ?? '';
  if (/^--(json|help)$/.test(name)) return 3;
  return /^--(idempotency-key|if-match)$/.test(name) ? 2 : 1;
}
