/** Which host names are this machine's own: the one rule that plain http, proxies and listening go by. */

/** IPv4 in four numbers and IPv6, with or without brackets; `127.example.com` is somebody's name. */
export function isLoopback(host: string): boolean {
  return /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);
}
