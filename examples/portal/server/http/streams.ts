// Answers that are held open. They end with whom they are for, and before the process does: nobody waits for their end.

/** Ends of the open ones, each with the name of the session that it is for. */
const open = new Map<AbortController, string | null>();

/**
 * Keeps an answer among those that are held open, until what this returns is called.
 *
 * @param stream Ends it.
 * @param session The name of the session that it is for, if any.
 */
export function holdOpen(stream: AbortController, session: string | null): () => void {
  open.set(stream, session);
  return () => open.delete(stream);
}

/** Ends what is held open for a session: what comes after its end is not for it any more. */
export function endStreamsOf(session: string): void {
  for (const [stream, name] of open) if (name === session) stream.abort();
}

/** Ends all that is held open; browsers connect again, to whatever is there then. */
export function endStreams(): void {
  for (const stream of open.keys()) stream.abort();
}
