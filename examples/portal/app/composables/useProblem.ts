// What went wrong, as Dezky's API tells it (RFC 9457).
import type { FieldError } from "@dezky/sdk";

export interface Problem {
  /** The HTTP status; 0 where no answer came. */
  status: number;
  /** The stable code. */
  code: string;
  /** The status in words. */
  title: string;
  /** What to change, for a person. */
  detail: string;
  /** The bad fields. */
  fields: FieldError[];
  /** Identifies the request for those who operate the platform. */
  requestId?: string;
  /** How long to wait before trying again, in seconds. */
  retryAfter?: number;
}

interface ProblemDocument {
  status?: number;
  code?: string;
  title?: string;
  detail?: string;
  errors?: FieldError[];
  requestId?: string;
}

/** The problem of a call that failed, whatever failed. */
export function toProblem(error: unknown): Problem {
  const { data, response, status, statusCode } = (error ?? {}) as {
    data?: ProblemDocument | Problem;
    response?: { headers: Headers };
    status?: number;
    statusCode?: number;
  };
  const found = status ?? statusCode ?? 0;
  if (data && "code" in data && data.code) {
    const fields = "fields" in data ? data.fields : ((data as ProblemDocument).errors ?? []);
    const retryAfter = Number(response?.headers.get("retry-after")) || ("retryAfter" in data ? data.retryAfter : undefined);
    const { code, title = "", detail = "", requestId } = data;
    return { status: data.status ?? found, code, title, detail, fields, requestId, retryAfter };
  }
  if (found) return { status: found, code: "unexpected", title: "", detail: "", fields: [] };
  return { status: 0, code: "unreachable", title: "", detail: "", fields: [] };
}
