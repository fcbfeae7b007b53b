import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import styles from "./SignInPage.module.css";
import { useSessionChange } from "./useSession";

/** Asks for the key, once. */
export function SignInPage() {
  const { t } = useTranslation();
  const [key, setKey] = useState("");
  const { begin } = useSessionChange();
  const wrong = begin.error instanceof ApiError && begin.error.status === 401;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate(key);
  };
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <h1>{t("session.title")}</h1>
        <p>{t("session.why")}</p>
        <Field label={t("session.key")} fault={wrong ? t("session.wrong") : null}>
          <Input
            type="password"
            autoComplete="current-password"
            required
            autoFocus
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
        </Field>
        {begin.error && !wrong && <Failure error={begin.error} />}
        <Button type="submit" look="primary" disabled={begin.isPending}>
          {t("session.begin")}
        </Button>
      </form>
    </main>
  );
}
