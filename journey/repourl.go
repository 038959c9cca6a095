package journey

import (
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// CanonicalRepoURL writes the address of a Git repository in the one form that
// trace ids are derived from: https, the host in lower case, no user, no default
// port, no ".git", no slash at the end. Addresses for ssh become those for
// https; files keep file://. It returns "" for what is no address.
func CanonicalRepoURL(repo string) string {
	u, err := url.Parse(withScheme(strings.TrimSpace(repo)))
	if err != nil || u.Opaque != "" {
		return ""
	}
	scheme, host := webScheme(u.Scheme), webHost(u)
	if host == "" && (scheme != "file" || u.Host != "") {
		return ""
	}
	return scheme + "://" + host + repoPath(u.EscapedPath())
}

// withScheme turns "git@host:path", "host/path" and "/path" into URLs.
func withScheme(repo string) string {
	if strings.Contains(repo, "://") {
		return repo
	}
	if strings.HasPrefix(repo, "/") {
		return "file://" + repo
	}
	host, rest, found := strings.Cut(repo, ":")
	if !found || strings.Contains(host, "/") {
		return "https://" + repo
	}
	return "ssh://" + host + "/" + strings.TrimLeft(rest, "/")
}

// webScheme is https for whatever reaches a Git host over the network.
func webScheme(scheme string) string {
	switch scheme {
	case "http", "https", "ssh", "git", "git+ssh", "git+https", "ssh+git":
		return "https"
	}
	return scheme
}

// webHost is the host with the port, if a browser would need it: the port of an
// ssh or git server says nothing about that of its web server. It is "" for what
// could not be the name of a host.
func webHost(u *url.URL) string {
	host, port := hostName(u), u.Port()
	web := strings.HasPrefix(u.Scheme, "http") || u.Scheme == "git+https"
	if host == "" || port == "" || port == "80" || port == "443" || (!web && webScheme(u.Scheme) == "https") {
		return host
	}
	return host + ":" + port
}

func hostName(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && ip.Zone() == "" {
		return "[" + ip.String() + "]"
	}
	if strings.Trim(host, ".-") == "" || strings.ContainsFunc(host, unusual) {
		return ""
	}
	return host
}

// unusual reports whether no host has such a character in its name.
func unusual(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_", r)
}

// repoPath drops the slashes and ".git" from the end.
func repoPath(p string) string {
	if p == "" {
		return ""
	}
	p = path.Clean("/" + p)
	for strings.HasSuffix(p, ".git") || strings.HasSuffix(p, "/") {
		p = strings.TrimSuffix(strings.TrimRight(p, "/"), ".git")
	}
	return p
}
