// SPDX-License-Identifier: Apache-2.0

/** Fixed places (S35): containerd starts verifiers in a directory and an environment that nobody chose. */
export const AGENT_SOCKET = '/run/hallmark/agent.sock';
export const AGENT_POLICY = '/etc/hallmark/policy.yaml';
export const AGENT_STATE = '/var/lib/hallmark/agent';
