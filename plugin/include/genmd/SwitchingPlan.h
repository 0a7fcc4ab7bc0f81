#ifndef OPENMM_SWITCHINGPLAN_H_
#define OPENMM_SWITCHINGPLAN_H_

#include "genmd/windowsExportGenMD.h"
#include <vector>

namespace OpenMM {

/**
 * A list of instantaneous changes with MD in between. It is only a list: what is changed is up to the protocol, work
 * and acceptance are up to the JumpEngine.
 */
class OPENMM_EXPORT_GENMD SwitchingPlan {
public:
    struct Entry {
        enum Kind { Change, Leap, Propagate };
        Kind kind;
        /** Change: the progress from then on. */
        double progress;
        /** Propagate: the number of MD steps. */
        int numSteps;
    };
    /** Append a change of the progress, which is 0 at the start. */
    void addChange(double progress);
    /** Append the leap of the proposer, for protocols that make it on the way. */
    void addLeap();
    /** Append MD at constant progress. */
    void addPropagate(int numSteps);
    const std::vector<Entry>& getEntries() const {
        return entries;
    }
    /** Get the number of MD steps in all. */
    int getNumSteps() const;
    /** Get the number of stretches of MD. */
    int getNumBlocks() const;
    /**
     * Throw an OpenMMException that says what is wrong, unless the list starts and ends with a change and read
     * backwards is the reverse move: that from the last progress to the first, or, if both are the same, the list
     * itself.
     */
    void requireReversible() const;

private:
    std::vector<Entry> entries;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGPLAN_H_*/
