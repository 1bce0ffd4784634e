package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"pid1/reaper"
)

// lookupUser finds whom COMMAND runs as from --user and --group; nil when
// neither was given. Numbers need no entry in /etc/passwd or /etc/group, nor do
// those files have to exist.
func lookupUser(name, group string) (*reaper.User, error) {
	if name == "" && group == "" {
		return nil, nil
	}
	name, own, hasOwn := strings.Cut(name, ":")
	if hasOwn && own == "" {
		return nil, fmt.Errorf("cannot use --user %s:: no group follows the colon", name)
	}
	if group == "" {
		group = own
	}
	u := &reaper.User{UID: os.Getuid(), GID: os.Getgid()}
	if name != "" {
		entry, err := findUser(name)
		if err != nil {
			return nil, err
		}
		u.UID, u.GID, u.Groups = entry.uid, entry.gid, entry.groups
	} else {
		u.Groups, _ = os.Getgroups()
	}
	if group != "" {
		gid, err := findGroup(group)
		if err != nil {
			return nil, err
		}
		u.GID = gid
	}
	return u, nil
}

type userEntry struct {
	uid, gid int
	groups   []int
}

func findUser(name string) (userEntry, error) {
	entry, err := user.Lookup(name)
	uid, notNumber := strconv.ParseUint(name, 10, 31)
	if err != nil && notNumber == nil {
		// A number without an entry is a user all the same, in group 0 as
		// docker run --user has it.
		if entry, err = user.LookupId(name); err != nil {
			return userEntry{uid: int(uid)}, nil
		}
	}
	if err != nil {
		return userEntry{}, fmt.Errorf("cannot find the user %s: %w", name, reason(err, "in /etc/passwd"))
	}
	var e userEntry
	e.uid, _ = strconv.Atoi(entry.Uid)
	e.gid, _ = strconv.Atoi(entry.Gid)
	if ids, err := entry.GroupIds(); err == nil {
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil {
				e.groups = append(e.groups, n)
			}
		}
	}
	return e, nil
}

func findGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err == nil {
		return strconv.Atoi(g.Gid)
	}
	if gid, notNumber := strconv.ParseUint(name, 10, 31); notNumber == nil {
		return int(gid), nil
	}
	return 0, fmt.Errorf("cannot find the group %s: %w", name, reason(err, "in /etc/group"))
}

// reason shortens the lookups' errors to what they come down to.
func reason(err error, file string) error {
	var (
		noUser  user.UnknownUserError
		noGroup user.UnknownGroupError
	)
	if errors.As(err, &noUser) || errors.As(err, &noGroup) {
		return fmt.Errorf("it has no entry %s", file)
	}
	return err
}
