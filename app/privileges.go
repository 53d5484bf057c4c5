package app

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"pingap/config"
)

// identity is whom a process serves as, once it has what only root may open.
type identity struct {
	uid, gid int
	groups   []int
	name     string // for messages
}

// identify looks up the user and the group of the configuration, each a name or
// a number; nil when there are none.
func identify(c *config.Config) (*identity, config.Problems) {
	userName, groupName := c.Basic.User, c.Basic.Group
	if userName == "" && groupName == "" {
		return nil, nil
	}
	var problems config.Problems
	i := &identity{uid: os.Geteuid(), gid: os.Getegid(), name: userName}
	if userName != "" {
		if err := i.lookUpUser(userName); err != nil {
			problems = append(problems, c.BasicProblem("user", err.Error(), fmt.Sprintf("create it (useradd --system %s), or name another", userName)))
		}
	}
	if groupName != "" {
		gid, err := lookUpGroup(groupName)
		if err != nil {
			problems = append(problems, c.BasicProblem("group", err.Error(), fmt.Sprintf("create it (groupadd --system %s), or name another", groupName)))
		}
		i.gid = gid
		i.name += ":" + groupName
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if !slices.Contains(i.groups, i.gid) {
		i.groups = append(i.groups, i.gid)
	}
	return i, nil
}

func (i *identity) lookUpUser(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		if _, notNumber := strconv.Atoi(name); notNumber == nil {
			u, err = user.LookupId(name)
		}
	}
	if err != nil {
		return fmt.Errorf("the system has no user %q", name)
	}
	if i.uid, err = strconv.Atoi(u.Uid); err == nil {
		i.gid, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		return fmt.Errorf("the user %q has no numbers: %w", name, err)
	}
	// Without them the process has its first group alone, which is less.
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil {
			i.groups = append(i.groups, gid)
		}
	}
	return nil
}

func lookUpGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if _, notNumber := strconv.Atoi(name); notNumber == nil {
			g, err = user.LookupGroupId(name)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("the system has no group %q", name)
	}
	return strconv.Atoi(g.Gid)
}

// users returns the number of the user, if there is one, for those who ask
// whose a process may be.
func (i *identity) users() []int {
	if i == nil {
		return nil
	}
	return []int{i.uid}
}

// present reports whether the process is that user already.
func (i *identity) present() bool {
	return os.Geteuid() == i.uid && os.Getegid() == i.gid
}

// errNotRoot is when the identity cannot be assumed, because the process is
// somebody already.
var errNotRoot = errors.New("only root can become another user")

// assume makes the process that user for good. keptPorts is whether it can
// still open ports below 1024.
func (i *identity) assume() (keptPorts bool, err error) {
	after, keepErr := keepPorts()
	if err := i.change(); err != nil {
		return false, err
	}
	if keepErr == nil {
		keepErr = after()
	}
	return keepErr == nil, nil
}

// change changes user and groups.
func (i *identity) change() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("serve as %s: %w", i.name, errNotRoot)
	}
	if err := syscall.Setgroups(i.groups); err != nil {
		return fmt.Errorf("serve as %s: setgroups: %w", i.name, err)
	}
	if err := syscall.Setgid(i.gid); err != nil {
		return fmt.Errorf("serve as %s: setgid: %w", i.name, err)
	}
	if err := syscall.Setuid(i.uid); err != nil {
		return fmt.Errorf("serve as %s: setuid: %w", i.name, err)
	}
	if i.uid != 0 && syscall.Setuid(0) == nil {
		return fmt.Errorf("serve as %s: the process could become root again", i.name)
	}
	return nil
}

// own gives an open file to the user, who is to write it later.
func (i *identity) own(f *os.File) error {
	if i == nil || os.Geteuid() != 0 || i.present() {
		return nil
	}
	return f.Chown(i.uid, i.gid)
}
