/**
 * How a socket proves whose it is: the `auth` object of the socket.io handshake holds the headers of a request signed for
 * this method and path and an empty body, made anew for every attempt to connect.
 */
export const socketHandshake = { method: 'GET', path: '/socket.io/' } as const;
