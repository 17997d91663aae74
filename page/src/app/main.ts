/** Starts the MCP app: connects to the host, follows its style, and reports how high the content is. */
import { byId } from '../dom.js';
import { createCustomerApp } from './customer-app.js';
import { connectToHost } from './host.js';
import { applyHostStyle } from './host-style.js';

async function start(): Promise<void> {
  const root = document.documentElement;
  const app = createCustomerApp({ view: byId('view', HTMLElement), status: byId('status', HTMLElement) });
  const host = await connectToHost(window.parent, { ...app, onContext: (context) => applyHostStyle(root, context) });
  app.use(host);
  let reported = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === reported) return;
    reported = height;
    host.reportHeight(height);
  }).observe(document.body);
}

void start();
