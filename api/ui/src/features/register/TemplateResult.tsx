import { useTranslation } from "react-i18next";
import { Code } from "../../parts/Code";
import { Told } from "../../parts/Told";
import { Fault } from "../../ui/Fault";
import styles from "./TemplateResult.module.css";
import { linesAround, type Rendered, type Trial } from "./trying";

interface Props {
  rendered: Rendered;
  asked: Trial;
}

/** What a template made of a conversation, or what is wrong with it and where; and what it pays no heed to. */
export function TemplateResult({ rendered, asked }: Props) {
  const { t } = useTranslation();
  const { text, error, chat_template: template } = rendered;
  const unheeded = [
    asked.tools && !rendered.describes_tools && t("register.tried.noTools"),
    asked.thinking !== "default" && !rendered.takes_thinking && t("register.tried.noThinking"),
  ].filter((one) => one !== false);
  return (
    <>
      {error && (
        <Fault
          title={t(`register.tried.fault.${error.kind}`)}
          message={
            <>
              {error.line && t("register.tried.inLine", { line: error.line })} <Told text={error.message} />
            </>
          }
        >
          {error.line && (
            <ol className={styles.lines} start={linesAround(template, error.line)[0]?.number}>
              {linesAround(template, error.line).map((line) => (
                <li key={line.number} className={line.number === error.line ? styles.faulty : undefined}>
                  <code>{line.text || " "}</code>
                </li>
              ))}
            </ol>
          )}
        </Fault>
      )}
      {text !== null && <Code title={t("register.tried.text")} text={text} />}
      {unheeded.map((one) => (
        <p key={one} className={styles.warn}>
          {one}
        </p>
      ))}
      <Template text={template} />
    </>
  );
}

function Template({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <details>
      <summary>{t("register.tried.template")}</summary>
      <Code title={t("register.field.chat_template")} text={text} />
    </details>
  );
}
