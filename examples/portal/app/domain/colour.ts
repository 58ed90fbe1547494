/** Colours as tenants choose them, made so that what is written on or in them can be read (WCAG 2.2, contrast of at least 4.5). */
type Channels = [number, number, number];

const READABLE = 4.5;

function channels(colour: string): Channels | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(colour)?.[1];
  if (!digits) return null;
  return [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)) as Channels;
}

function hex(colour: Channels): string {
  return `#${colour.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}

function luminance(colour: Channels): number {
  const [red, green, blue] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function ratio(one: Channels, other: Channels): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** The contrast of two colours, 1 to 21; 1 when one of them is none. */
export function contrast(one: string, other: string): number {
  const [first, second] = [channels(one), channels(other)];
  return first && second ? ratio(first, second) : 1;
}

/** Whether this is a colour as the API takes it: `#rrggbb`. */
export function isColour(text: string | null | undefined): text is string {
  return Boolean(text && channels(text));
}

/** Black or white, whichever can be read better on a colour: one of the two always reaches 4.5. */
export function inkOn(colour: string): string {
  return contrast(colour, "#ffffff") >= contrast(colour, "#0b0b0f") ? "#ffffff" : "#0b0b0f";
}

/** The colour nearest to `colour`, towards black or white, that can be read on a background. */
export function legibleOn(colour: string, background: string): string {
  const [from, behind] = [channels(colour), channels(background)];
  if (!from || !behind) return colour;
  const towards: Channels = luminance(behind) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  for (let step = 0; step <= 20; step += 1) {
    const mixed = from.map((channel, at) => channel + ((towards[at] ?? 0) - channel) * (step / 20)) as Channels;
    // Measured as it will be written: rounding must not take the last hundredth away.
    const written = hex(mixed);
    if (contrast(written, background) >= READABLE) return written;
  }
  return hex(towards);
}

/** Backgrounds that text in a tenant's colour stands on: the darkest light one and the lightest dark one. */
const LIGHT = "#e9e9f0";
const DARK = "#26262e";

/** The custom properties that put a tenant's colours in place of the product's. Colours that are none are left aside. */
export function brandProperties(branding: { primaryColor?: string | null; accentColor?: string | null }): Record<string, string> {
  const properties: Record<string, string> = {};
  if (isColour(branding.primaryColor)) {
    properties["--brand"] = branding.primaryColor;
    properties["--brand-ink"] = inkOn(branding.primaryColor);
    properties["--brand-text"] = `light-dark(${legibleOn(branding.primaryColor, LIGHT)}, ${legibleOn(branding.primaryColor, DARK)})`;
    properties["--focus"] = "var(--brand-text)";
  }
  const accent = isColour(branding.accentColor) ? branding.accentColor : branding.primaryColor;
  if (isColour(accent)) properties["--accent"] = accent;
  return properties;
}
