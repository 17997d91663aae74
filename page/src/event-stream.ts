/** Server-sent events out of a stream of text, as the HTML standard has them: only `data` matters here. */

/** Feeds text in pieces of any size; answers the data of the events that are complete. */
export function createEventReader(): (text: string) => readonly string[] {
  let rest = '';
  return (text) => {
    rest += text;
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop() ?? '';
    return blocks.map(dataOf).filter((data) => data !== '');
  };
}

function dataOf(block: string): string {
  return block
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).replace(/^ /, ''))
    .join('\n');
}
