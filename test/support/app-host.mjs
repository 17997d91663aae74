/**
 * The page of a test host, which runs in the browser: it shows an MCP app in a sandboxed frame and talks to it through
 * the AppBridge of the official SDK. The test passes tool calls on, by `callServerTool`.
 */
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

/* global document, window, setTimeout */

/** Opens the app at a URL; resolves when it has introduced itself. */
window.openApp = async ({ url, capabilities, context, width }) => {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.setAttribute('title', 'app');
  Object.assign(frame.style, { width: `${width}px`, height: '40px', border: '0' });
  document.body.append(frame);
  const bridge = new AppBridge(null, { name: 'test-host', version: '1' }, capabilities, { hostContext: context });
  const calls = [];
  const heights = [];
  bridge.onsizechange = ({ height }) => {
    heights.push(height);
    frame.style.height = `${height}px`;
  };
  bridge.oncalltool = async (params) => {
    calls.push(params);
    return window.callServerTool(params);
  };
  const initialized = new Promise((resolve) => {
    bridge.oninitialized = resolve;
  });
  const transport = new PostMessageTransport(frame.contentWindow, frame.contentWindow);
  await bridge.connect(transport);
  frame.src = url;
  await initialized;
  window.app = { bridge, calls, heights, version: bridge.getAppVersion(), capabilities: bridge.getAppCapabilities() };
};

window.closeApp = async () => {
  await window.app.bridge.close();
  for (const frame of document.querySelectorAll('iframe')) frame.remove();
};
