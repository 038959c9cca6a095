package lab_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rollcall-dev/rollcall/e2e/lab"
)

func TestRepo(t *testing.T) {
	t.Setenv("GIT_AUTHOR_NAME", "Somebody Else")
	dir := filepath.Join(t.TempDir(), "shop")
	repo, err := lab.NewRepo(dir)
	require.NoError(t, err)
	require.Equal(t, "file://"+dir, repo.URL())

	require.NoError(t, repo.Write("deploy/app.yaml", "kind: List\n"))
	first, err := repo.Commit("deploy")
	require.NoError(t, err)
	require.Len(t, first, 40)
	_, err = repo.Commit("nothing new")
	require.ErrorContains(t, err, "commit: git commit")

	require.NoError(t, repo.Remove("deploy/app.yaml"))
	second, err := repo.Commit("remove")
	require.NoError(t, err)
	require.NotEqual(t, first, second)

	out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "log", "--format=%an <%ae> %s").Output()
	require.NoError(t, err)
	require.Equal(t, "Dev <dev@example.com> remove\nDev <dev@example.com> deploy\n", string(out))
}
