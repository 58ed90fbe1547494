/** The zone in which times are shown: the person's once the page has come to life. */
export function useTimeZone() {
  return useState("time-zone", () => "UTC");
}
