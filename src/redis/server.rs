//! What the server says about itself.

/// Lines of `INFO server` and `INFO memory`. Each is missing if the user may not ask, or the server does not tell.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ServerFacts {
    /// Another one after each start, and on each server.
    pub(crate) run_id: Option<String>,
    /// Seconds since the start.
    pub(crate) uptime: Option<i64>,
    pub(crate) memory: Memory,
}

/// What the server does when its memory is full.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Memory {
    #[default]
    Unknown,
    /// It takes no more records, or has no limit that it would notice.
    Refuses,
    /// It drops records by this policy.
    Evicts(String),
}

impl ServerFacts {
    pub(crate) fn read(info: &str) -> Self {
        let find = |name: &str| {
            info.lines().find_map(|line| {
                let (key, value) = line.trim_end().split_once(':')?;
                (key == name && !value.is_empty()).then(|| value.to_owned())
            })
        };
        let memory = match (find("maxmemory"), find("maxmemory_policy")) {
            (_, Some(policy)) if policy == "noeviction" => Memory::Refuses,
            (Some(limit), Some(_)) if limit == "0" => Memory::Refuses,
            (_, Some(policy)) => Memory::Evicts(policy),
            (_, None) => Memory::Unknown,
        };
        Self {
            run_id: find("run_id"),
            uptime: find("uptime_in_seconds").and_then(|seconds| seconds.parse().ok()),
            memory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_the_lines_of_info() {
        let info = "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nuptime_in_seconds:17\r\n# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n";
        let facts = ServerFacts::read(info);
        assert_eq!(facts.run_id.as_deref(), Some("abc"));
        assert_eq!(facts.uptime, Some(17));
        assert_eq!(facts.memory, Memory::Refuses);
    }

    #[test]
    fn only_a_server_without_a_limit_may_have_a_policy_that_evicts() {
        for (info, expected) in [
            ("maxmemory:0\nmaxmemory_policy:allkeys-lru", Memory::Refuses),
            (
                "maxmemory:1\nmaxmemory_policy:volatile-ttl",
                Memory::Evicts("volatile-ttl".to_owned()),
            ),
            (
                "maxmemory_policy:allkeys-lru",
                Memory::Evicts("allkeys-lru".to_owned()),
            ),
            ("maxmemory:0", Memory::Unknown),
            ("", Memory::Unknown),
            ("garbage\n:\nmaxmemory_policy:", Memory::Unknown),
        ] {
            assert_eq!(ServerFacts::read(info).memory, expected, "{info}");
        }
    }
}
