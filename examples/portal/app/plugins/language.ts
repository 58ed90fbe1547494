// The choice of language holds at all hosts of the portal: its cookie is that of their common domain, which is known at start only.
import { cookieDomain } from "~/domain/cookies";

export default defineNuxtPlugin({
  name: "language",
  enforce: "pre",
  setup(nuxtApp) {
    const { detectBrowserLanguage } = nuxtApp.$config.public.i18n;
    if (detectBrowserLanguage) detectBrowserLanguage.cookieDomain = cookieDomain(useSite().domain);
  },
});
