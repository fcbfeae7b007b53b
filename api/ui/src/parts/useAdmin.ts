import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../api/session";

/** Whether whoever sits here may launch, change and end models. What one may not do is not offered. */
export function useAdmin(): boolean {
  return useQuery(sessionQuery).data?.scopes.includes("admin") ?? false;
}
