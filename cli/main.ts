import { Command } from 'commander';
import { readConfig } from '../server/config.ts';
import { serve } from '../server/serve.ts';

const program = new Command('linekeeper');
program.command('serve').action(() => serve(readConfig()));
await program.parseAsync();
