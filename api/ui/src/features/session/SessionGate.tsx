import type { ReactNode } from "react";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { SignInPage } from "./SignInPage";
import { useSession } from "./useSession";

/** Shows the pages to whoever may see them, and asks others for a key. */
export function SessionGate({ children }: { children: ReactNode }) {
  const { data, failureReason, refetch } = useSession();
  if (data) return data.needs_key && data.scopes.length === 0 ? <SignInPage /> : children;
  return failureReason ? <Failure error={failureReason} again={refetch} /> : <Loading />;
}
