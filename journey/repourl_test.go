package journey

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCanonicalRepoURL(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"canonical already":        {"https://github.com/acme/shop", "https://github.com/acme/shop"},
		".git is dropped":          {"https://github.com/acme/shop.git", "https://github.com/acme/shop"},
		"slash is dropped":         {"https://github.com/acme/shop/", "https://github.com/acme/shop"},
		".git and slash":           {"https://github.com/acme/shop.git/", "https://github.com/acme/shop"},
		"host in lower case":       {"HTTPS://GitHub.COM/Acme/Shop", "https://github.com/Acme/Shop"},
		"user is dropped":          {"https://bot:token@github.com/acme/shop", "https://github.com/acme/shop"},
		"http becomes https":       {"http://git.local/acme/shop", "https://git.local/acme/shop"},
		"default port of https":    {"https://github.com:443/acme/shop", "https://github.com/acme/shop"},
		"default port of http":     {"http://github.com:80/acme/shop", "https://github.com/acme/shop"},
		"other port stays":         {"https://git.local:8443/acme/shop", "https://git.local:8443/acme/shop"},
		"ssh":                      {"ssh://git@github.com/acme/shop.git", "https://github.com/acme/shop"},
		"ssh with its port":        {"ssh://git@github.com:22/acme/shop.git", "https://github.com/acme/shop"},
		"ssh with another port":    {"ssh://git@git.local:7999/acme/shop.git", "https://git.local/acme/shop"},
		"git+ssh":                  {"git+ssh://git@github.com/acme/shop.git", "https://github.com/acme/shop"},
		"git":                      {"git://github.com:9418/acme/shop.git", "https://github.com/acme/shop"},
		"scp-like":                 {"git@github.com:acme/shop.git", "https://github.com/acme/shop"},
		"scp-like, no user":        {"github.com:acme/shop", "https://github.com/acme/shop"},
		"scp-like, absolute":       {"git@git.local:/srv/shop.git", "https://git.local/srv/shop"},
		"subgroups stay":           {"git@gitlab.com:acme/team/shop.git", "https://gitlab.com/acme/team/shop"},
		"no scheme":                {"github.com/acme/shop", "https://github.com/acme/shop"},
		"file":                     {"file:///srv/git/shop.git", "file:///srv/git/shop"},
		"file, work tree":          {"file:///srv/git/shop/.git", "file:///srv/git/shop"},
		"path":                     {"/srv/git/shop.git", "file:///srv/git/shop"},
		"oci chart":                {"oci://Registry.local/charts/shop", "oci://registry.local/charts/shop"},
		"query and fragment":       {"https://github.com/acme/shop?ref=main#readme", "https://github.com/acme/shop"},
		"blanks around":            {"  https://github.com/acme/shop\n", "https://github.com/acme/shop"},
		"IPv6":                     {"https://[::1]:443/shop", "https://[::1]/shop"},
		"host only":                {"https://github.com/", "https://github.com"},
		"nothing":                  {"", ""},
		"no host":                  {"https:///acme/shop", ""},
		"unreadable, user not out": {"https://bot:to%ken@github.com/acme", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, CanonicalRepoURL(tt.in))
		})
	}
}

func FuzzCanonicalRepoURL(f *testing.F) {
	for _, s := range []string{
		"https://github.com/acme/shop.git", "git@github.com:acme/shop", "file:///srv/x.git", "ssh://git@h:22/a.git/",
		"http://h:443:80/", "https://[fe80::1%25en0]:80/x", "oci://r/c", "a:b", "//h/x", "https://h/.git/.git", "https://h/a%2fb",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := CanonicalRepoURL(s)
		assert.Equal(t, once, CanonicalRepoURL(once), "of %q", s)
	})
}
