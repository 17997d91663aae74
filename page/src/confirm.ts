/** Asking before a call that may overwrite or take away. */
import { byId } from './dom.js';
import { jsonBlock } from './json-view.js';

/** Shows what would be sent; resolves with what the person decides. */
export function confirmCall(name: string, args: object): Promise<boolean> {
  const dialog = byId('confirm', HTMLDialogElement);
  byId('confirm-tool', HTMLElement).textContent = name;
  byId('confirm-arguments', HTMLElement).replaceChildren(jsonBlock(args, 'What would be sent'));
  dialog.returnValue = '';
  dialog.showModal();
  byId('confirm-cancel', HTMLButtonElement).focus();
  return new Promise((decided) => {
    dialog.addEventListener('close', () => decided(dialog.returnValue === 'send'), { once: true });
  });
}

/** Wires the dialog's buttons. */
export function mountConfirm(): void {
  const dialog = byId('confirm', HTMLDialogElement);
  byId('confirm-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
  byId('confirm-send', HTMLButtonElement).addEventListener('click', () => dialog.close('send'));
}
