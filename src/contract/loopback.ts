/** Recognises loopback hosts: the one rule for plain http, proxies and listening. */

/** IPv4 as four numbers, or IPv6 with or without brackets; `127.example.com` is an ordinary host name. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);
}
