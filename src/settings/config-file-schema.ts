/** The schema of the configuration file, from the settings table. Loaded only if there is a file. */
import { z } from 'zod';
import { FILE_SETTINGS, type FileValue, textOfValue } from './config-file.js';
import type { SettingName } from './setting-table.js';

const MAX_ITEMS = 1000;
const plain = z.union([z.string(), z.boolean(), z.array(z.string()).max(MAX_ITEMS)], {
  error: 'must be a text, a number, true, false or a list',
});

/** Each setting by its name, as the text that a variable would have. */
export function schemaOfFile(): z.ZodType<{ readonly [Name in SettingName]?: string }> {
  return z.strictObject(
    Object.fromEntries(FILE_SETTINGS.map((name) => [name, plain.transform(reading(name)).optional()])),
    {
      error: (issue) => (issue.code === 'invalid_type' ? 'must be settings by their names' : undefined),
    },
  );
}

function reading(name: SettingName) {
  return (value: FileValue, context: z.RefinementCtx): string => {
    try {
      return textOfValue(name, value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  };
}
