import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import styles from "./Launch.module.css";

/** The way to try a model that is ready, where there is a page for it. */
export function TryLink({ model }: { model: Model }) {
  const { t } = useTranslation();
  const to = pageOf(model);
  if (!to) return null;
  return (
    <Link className={styles.primary} to={to} search={{ model: model.id }}>
      {t(to === "/chat" ? "launch.toChat" : "launch.toTry")}
    </Link>
  );
}

function pageOf({ model_type, model_ability }: Model) {
  if (model_ability.includes("chat")) return "/chat";
  if (model_ability.includes("generate")) return "/completion";
  if (model_type === "embedding") return "/embeddings";
  return model_type === "rerank" ? "/rerank" : null;
}
