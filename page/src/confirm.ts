/** The confirmation dialog for calls that can overwrite or remove data. */
import { byId } from './dom.js';
import { jsonBlock } from './json-view.js';

/** Shows the arguments and resolves with the user's decision. */
export function confirmCall(name: string, args: object): Promise<boolean> {
  const dialog = byId('confirm', HTMLDialogElement);
  byId('confirm-tool', HTMLElement).textContent = name;
  byId('confirm-arguments', HTMLElement).replaceChildren(jsonBlock(args, 'Arguments to send'));
  dialog.returnValue = '';
  dialog.showModal();
  byId('confirm-cancel', HTMLButtonElement).focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'send'), { once: true });
  });
}

/** Wires the dialog's buttons. */
export function mountConfirm(): void {
  const dialog = byId('confirm', HTMLDialogElement);
  byId('confirm-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
  byId('confirm-send', HTMLButtonElement).addEventListener('click', () => dialog.close('send'));
}
