/**
 * Builds the files of /explorer: Swagger UI as its package has it, our script and styles, and a page that names them.
 * Names contain a hash of the content, so that browsers keep them; scripts and styles are stored compressed only.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { build, transform } from 'esbuild';

const SWAGGER = 'node_modules/swagger-ui-dist';

/** Writes the files into `directory`. Returns the paths of what they were made from. */
export async function buildExplorer(directory) {
  mkdirSync(directory, { recursive: true });
  const { outputFiles, metafile } = await build({
    entryPoints: ['page/explorer/main.ts'],
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
  });
  const styles = [`${SWAGGER}/swagger-ui.css`, 'page/style.css', 'page/explorer/style.css'];
  const css = styles.map((path) => readFileSync(path, 'utf8').replace(/\/\*# sourceMappingURL.*\*\//, '')).join('\n');
  const names = {
    style: write(directory, 'explorer', 'css', (await transform(css, { loader: 'css', minify: true })).code),
    swagger: write(directory, 'swagger-ui', 'js', readFileSync(`${SWAGGER}/swagger-ui-bundle.js`, 'utf8')),
    script: write(directory, 'explorer', 'js', outputFiles[0].text),
  };
  const html = readFileSync('page/explorer/index.html', 'utf8');
  writeFileSync(
    join(directory, 'index.html'),
    html.replaceAll(/\{\{(\w+)\}\}/g, (_placeholder, name) => names[name]),
  );
  return [...Object.keys(metafile.inputs), ...styles];
}

/** Returns the name of the file, without `.br`. */
function write(directory, name, extension, text) {
  const content = text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  const file = `${name}-${hash}.${extension}`;
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(directory, `${file}.br`), brotliCompressSync(content, { params }));
  return file;
}
