#include "KernelSources.h"

using namespace OpenMM;
using namespace std;

/** On a CPU every thread takes a contiguous piece; on a GPU neighboring threads take neighboring elements. */
ComputeProgram KernelSources::compile(ComputeContext& cc, const string& source, map<string, string> defines) {
    if (cc.getIsCPU())
        defines["FOR_EACH(i, count)"] =
            "for (int i = (int) ((mm_long) (count) * GLOBAL_ID / GLOBAL_SIZE),"
            " last = (int) ((mm_long) (count) * (GLOBAL_ID + 1) / GLOBAL_SIZE); i < last; i++)";
    else
        defines["FOR_EACH(i, count)"] = "for (int i = GLOBAL_ID; i < (count); i += GLOBAL_SIZE)";
    return cc.compileProgram(source, defines);
}
