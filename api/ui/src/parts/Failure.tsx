import { useTranslation } from "react-i18next";
import { ApiError } from "../api/errors";
import type causes from "../i18n/en/cause.json";
import { Button } from "../ui/Button";
import { Fault } from "../ui/Fault";
import { CopyButton } from "./CopyButton";
import { Original, Told } from "./Told";

interface Props {
  error: Error;
  /** What to do again, where that may help. */
  again?: () => void;
  /** Whether it was asked by the reader, so that nothing asks it again by itself. */
  isAsked?: boolean;
  /** Whether a field says what is wrong already. */
  isSaid?: boolean;
}

type Code = keyof typeof causes;

/** What is known of an error that is not the gateway's. */
const OTHER = { code: "", status: -1, requestId: null, reasons: [], param: null } as const;

/** An error of the API for people: what happened, why, the next step, and the id of the request to copy. */
export function Failure({ error, again, isAsked = false, isSaid = false }: Props) {
  const { t, i18n } = useTranslation();
  const { code, status, requestId, reasons, param } = error instanceof ApiError ? error : OTHER;
  const isOfField = reasons.some((one) => one.code.startsWith("fault_"));
  const known = i18n.exists(`cause.${code}`) ? (code as Code) : null;
  const away = status === 0;
  return (
    <Fault
      title={known ? t(`cause.${known}.what`) : t("error.title")}
      message={
        away ? (
          t(isAsked ? "error.unanswered" : "error.unreachable")
        ) : isSaid ? (
          t("error.atField")
        ) : (
          <>
            {isOfField && param && <code>{param}</code>} <Told text={error.message} reasons={reasons} />
          </>
        )
      }
      details={
        (requestId || (reasons.length > 0 && !isSaid)) && (
          <>
            {!away && !isSaid && <Original text={error.message} reasons={reasons} />}
            {requestId && <RequestId id={requestId} code={code} />}
          </>
        )
      }
    >
      {known && <p>{t(`cause.${known}.next`)}</p>}
      {again && <Button onClick={again}>{t("error.again")}</Button>}
    </Fault>
  );
}

function RequestId({ id, code }: { id: string; code: string }) {
  const { t } = useTranslation();
  return (
    <>
      <code>{code}</code> · {t("error.request")} <code>{id}</code> <CopyButton text={`${code} ${id}`} />
    </>
  );
}
