// Documents that the API sends again whenever they change (server-sent events).

/** The longest wait for the first document, in milliseconds: a proxy that collects answers passes none on. */
const FIRST = 10_000;

export interface Follower<Document> {
  /** The document, whole, as it is now. */
  changed(document: Document): void;
  /**
   * There is nothing more to come.
   *
   * @param refused Whether the API has ended it, because the document may not be seen any more or the token has expired. Otherwise it cannot
   * be had.
   */
  over(refused: boolean): void;
}

export interface Following {
  end(): void;
  /** Returns whether it waits for the time of its next connection. */
  waits(): boolean;
}

/**
 * Follows a document of the API. Where its stream merely ends, the browser connects again by itself, after the time that the API says.
 *
 * @param path The API's own: `/tenants/acme/workspace`.
 * @param name The name of its events.
 */
export function follow<Document>(path: string, name: string, { changed, over }: Follower<Document>): Following {
  const source = new EventSource(`/api${path}`);
  const overdue = setTimeout(() => end(false), FIRST);
  let connected = false;

  function close() {
    clearTimeout(overdue);
    source.close();
  }

  function end(refused: boolean) {
    close();
    over(refused);
  }

  source.addEventListener("open", () => (connected = true));
  source.addEventListener(name, ({ data }: MessageEvent<string>) => {
    clearTimeout(overdue);
    changed(JSON.parse(data) as Document);
  });
  source.addEventListener("problem", () => end(true));
  source.addEventListener("error", () => {
    // After an end, and not after a connection that came to nothing.
    if (connected && source.readyState === EventSource.CONNECTING) connected = false;
    else end(false);
  });
  return { end: close, waits: () => source.readyState === EventSource.CONNECTING };
}
