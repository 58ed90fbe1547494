/** What is shown of values of the API, in the person's language. */
export function useWording() {
  const { t, te, locale } = useI18n();
  const language = computed(() => (locale.value === "de" ? "de-DE" : "en-GB"));

  // The server does not know the person's zone, and the page must come to life as it was rendered: UTC until then.
  const zone = useTimeZone();
  const day = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeZone: zone.value }));
  const moment = computed(() => new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short", timeZone: zone.value }));
  const hour = computed(() => new Intl.DateTimeFormat(language.value, { timeStyle: "short", timeZone: zone.value }));
  const number = computed(() => new Intl.NumberFormat(language.value));

  /** The text at `key` if there is one, else what stands for it. */
  const known = (key: string, otherwise: string, values: Record<string, unknown> = {}) => (te(key) ? t(key, values) : otherwise);

  return {
    date: (time: string) => day.value.format(new Date(time)),
    time: (time: string) => hour.value.format(new Date(time)),
    moment: (time: string) => moment.value.format(new Date(time)),
    count: (value: number) => number.value.format(value),
    role: (role: string) => known(`role.${role}`, role),
    status: (status: string) => known(`status.${status}`, status),
    source: (source: string) => known(`source.${source}`, source),
    size: (bytes: number) => {
      const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
      const step = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log2(bytes) / 10) : 0);
      const value = bytes / 1024 ** step;
      return new Intl.NumberFormat(language.value, { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
    },
    feature: (feature: string) => known(`feature.${feature}`, feature),
    plan: (plan: string) => known(`plan.${plan}`, plan),
    scope: (scope: string) => known(`scope.${scope.replace(".", "_")}`, scope),
    scopeGroup: (resource: string) => known(`scopeGroup.${resource}`, resource),
    action: (action: string) => known(`action.${action.replace(".", "_")}`, action),
    sentence,
    /** What a condition that does not hold means, and what to do. */
    condition: ({ reason, message }: { reason: string; message: string }) => known(`condition.${reason}`, sentence(message)),
    field: (field: string) => known(`fieldName.${field}`, field),

    /** What to change in a field. Numbers of the API's own message go into the translation. */
    fieldProblem: ({ field, code, message }: { field: string; code: string; message: string }) => {
      const [n, m] = message.match(/\d+/g) ?? [];
      // A code may say more of one field than of others.
      const general = known(`fieldProblem.${code}`, sentence(message), { n: n ?? "", m: m ?? "" });
      return known(`fieldProblem.${field.replace(/\[\d+\]$/, "")}.${code}`, general);
    },
    problemTitle: (problem: Problem) => known(`problem.${problem.code}.title`, known(`problem.${problem.status}.title`, t("problem.other.title"))),
    problemText: (problem: Problem) =>
      known(`problem.${problem.code}.text`, known(`problem.${problem.status}.text`, sentence(problem.detail ?? "") || t("problem.other.text")), {
        seconds: problem.retryAfter ?? 1,
        named: problem.detail?.match(/`([^`]+)`/)?.[1] ?? "",
      }),
  };
}

function sentence(text: string): string {
  if (!text) return "";
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
